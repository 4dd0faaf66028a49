//! The plain pages that the client shows where an app has none: how a login has ended.

/// What a page may do: nothing but look.
pub(crate) const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A page in plain HTML, in the browser's own light or dark colours. `link` is where it leads, and what
/// the link says.
pub(crate) fn html(title: &str, text: &str, link: Option<(&str, &str)>) -> String {
    let (title, text) = (escaped(title), escaped(text));
    let link = link.map_or_else(String::new, |(to, says)| {
        format!("<p><a href=\"{}\">{}</a></p>", escaped(to), escaped(says))
    });
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{title}</title>\
         <style>body{{font:1rem/1.5 system-ui,sans-serif;max-width:30rem;margin:20vh auto;padding:0 1rem;\
         overflow-wrap:anywhere}}h1{{font-size:1.5rem;line-height:1.2}}</style>\
         <main><h1>{title}</h1><p>{text}</p>{link}</main></html>"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_taken_for_markup() {
        let page = html("<b>", "a & \"b\" <script>", Some(("/\"><x", "<back>")));
        assert!(page.contains("<h1>&lt;b></h1><p>a &amp; &quot;b&quot; &lt;script></p>"));
        assert!(page.contains("<a href=\"/&quot;>&lt;x\">&lt;back></a>"));
    }
}
