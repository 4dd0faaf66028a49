//! How letters are sent: by a mail server, or into a folder.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use atpass_protocol::random::{self, SystemRandom};
use atpass_protocol::secret::Secret;
use data_encoding::HEXLOWER;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncFileTransport, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use url::Url;

use super::{Letter, MailError, Mailer};

/// How long a letter may take to be handed over.
const DEADLINE: Duration = Duration::from_secs(30);

/// From whom letters are, and which way they go.
#[derive(Clone, Debug)]
pub struct MailConfig {
    /// The sender, such as `Example <noreply@example.com>`.
    pub from: String,
    /// The way.
    pub transport: MailTransport,
}

/// Which way letters go.
#[derive(Clone, Debug)]
pub enum MailTransport {
    /// By a mail server.
    Smtp {
        /// `smtps://host` has TLS from the beginning (port 465), `smtp://host` goes over to it and must succeed
        /// (STARTTLS, port 587; RFC 8314 section 3.3). Another port may follow.
        url: String,
        /// As whom to log in.
        user: Option<String>,
        /// The password for it.
        password: Option<Secret>,
    },
    /// Development only: each letter becomes a file `.eml` in this folder.
    Folder(PathBuf),
}

/// Why letters can't be sent this way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailConfigError {
    /// The sender isn't one.
    #[error("the sender of letters must be like \"Example <noreply@example.com>\"")]
    From,
    /// The address of the mail server isn't one.
    #[error(
        "the mail server must be smtps://host, or smtp://host, with a port if need be and nothing else"
    )]
    Url,
    /// User and password go together.
    #[error("a user needs a password, and a password a user")]
    Credentials,
    /// TLS can't be set up.
    #[error("TLS to the mail server can't be set up: {0}")]
    Tls(String),
}

/// Sends letters the way that was configured.
pub struct Post {
    from: Mailbox,
    way: Way,
}

enum Way {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    Folder(AsyncFileTransport<Tokio1Executor>),
}

impl Post {
    /// Reads the configuration. Nothing is connected to yet.
    pub fn new(config: &MailConfig) -> Result<Self, MailConfigError> {
        let from = config.from.parse().map_err(|_| MailConfigError::From)?;
        let way = match &config.transport {
            MailTransport::Smtp {
                url,
                user,
                password,
            } => Way::Smtp(smtp(url, user.as_deref(), password.as_ref())?),
            MailTransport::Folder(folder) => Way::Folder(AsyncFileTransport::new(folder)),
        };
        Ok(Self { from, way })
    }

    fn message(&self, letter: Letter) -> Result<Message, MailError> {
        let failed = |error: &dyn fmt::Display| MailError(error.to_string());
        // What a library says of a bad address may repeat it.
        let to = letter
            .to
            .parse()
            .map_err(|_| failed(&"the address can't be one"))?;
        // By default it would have the name of this machine.
        let domain = self.from.email.domain();
        let id = HEXLOWER.encode(&random::bytes::<16>(&SystemRandom));
        let id = format!("<{id}@{domain}>");
        // RFC 3834 section 5: nobody answers that they are on holiday.
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(letter.subject)
            .message_id(Some(id))
            .raw_header(HeaderValue::new(automatic, "auto-generated".into()))
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text)
            .map_err(|error| failed(&error))
    }
}

#[async_trait]
impl Mailer for Post {
    async fn send(&self, letter: Letter) -> Result<(), MailError> {
        let message = self.message(letter)?;
        let sent = async {
            match &self.way {
                Way::Smtp(way) => match way.send(message).await {
                    Ok(_) => Ok(()),
                    // What the server says in words may repeat the address.
                    Err(error) => Err(match error.status() {
                        Some(code) => format!("the mail server answered {code}"),
                        None => error.to_string(),
                    }),
                },
                Way::Folder(way) => match way.send(message).await {
                    Ok(_) => Ok(()),
                    Err(error) => Err(error.to_string()),
                },
            }
        };
        let sent = tokio::time::timeout(DEADLINE, sent).await;
        let sent = sent.unwrap_or_else(|_| Err("the mail server took too long".into()));
        sent.map_err(MailError)
    }
}

impl fmt::Debug for Post {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Post")
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

fn smtp(
    url: &str,
    user: Option<&str>,
    password: Option<&Secret>,
) -> Result<AsyncSmtpTransport<Tokio1Executor>, MailConfigError> {
    let url = Url::parse(url).map_err(|_| MailConfigError::Url)?;
    let host = url.host_str().filter(|host| !host.is_empty());
    let host = host.ok_or(MailConfigError::Url)?;
    // A password belongs into a file of its own.
    let plain = url.username().is_empty()
        && url.password().is_none()
        && matches!(url.path(), "" | "/")
        && url.query().is_none()
        && url.fragment().is_none();
    if !plain {
        return Err(MailConfigError::Url);
    }
    let builder = match url.scheme() {
        "smtps" => AsyncSmtpTransport::<Tokio1Executor>::relay(host),
        "smtp" => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(host),
        _ => return Err(MailConfigError::Url),
    };
    let mut builder = builder.map_err(|error| MailConfigError::Tls(error.to_string()))?;
    if let Some(port) = url.port() {
        builder = builder.port(port);
    }
    match (user, password) {
        (Some(user), Some(password)) => {
            let password = password.expose().to_owned();
            builder = builder.credentials(Credentials::new(user.to_owned(), password));
        }
        (None, None) => {}
        (Some(_), None) | (None, Some(_)) => return Err(MailConfigError::Credentials),
    }
    Ok(builder.build())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(from: &str, transport: MailTransport) -> MailConfig {
        MailConfig {
            from: from.into(),
            transport,
        }
    }

    #[tokio::test]
    async fn which_servers_can_be_configured() {
        let secret = Secret::new("hunter2");
        let with = |url: &str, user: Option<&str>, password: Option<&Secret>| {
            let transport = MailTransport::Smtp {
                url: url.into(),
                user: user.map(Into::into),
                password: password.cloned(),
            };
            Post::new(&config("Example <noreply@example.com>", transport)).map(drop)
        };
        for url in [
            "smtps://mail.example.com",
            "smtps://mail.example.com:4650",
            "smtp://mail.example.com:587",
            "smtp://192.0.2.1/",
        ] {
            assert_eq!(with(url, Some("example"), Some(&secret)), Ok(()), "{url}");
            assert_eq!(with(url, None, None), Ok(()), "{url}");
        }
        for url in [
            "",
            "mail.example.com",
            "https://mail.example.com",
            "smtp:///",
            "smtp://user:hunter2@mail.example.com",
            "smtp://mail.example.com?tls=none",
            "smtp://mail.example.com/x",
        ] {
            assert_eq!(with(url, None, None), Err(MailConfigError::Url), "{url}");
        }
        let url = "smtps://mail.example.com";
        let alone = Err(MailConfigError::Credentials);
        assert_eq!(with(url, Some("example"), None), alone);
        assert_eq!(with(url, None, Some(&secret)), alone);
        let folder = MailTransport::Folder("letters".into());
        let nobody = Post::new(&config("nobody", folder));
        assert_eq!(nobody.map(drop), Err(MailConfigError::From));
    }

    #[tokio::test]
    async fn a_letter_in_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let transport = MailTransport::Folder(folder.path().into());
        let post = Post::new(&config("Example <noreply@example.com>", transport)).unwrap();
        let letter = Letter {
            to: "alice@example.org".into(),
            subject: "A code".into(),
            text: "Here it is:\n\n    ABCDE-23456\n".into(),
        };
        post.send(letter.clone()).await.unwrap();
        let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        let [file] = files.as_slice() else {
            panic!("{} files", files.len());
        };
        let path = file.as_ref().unwrap().path();
        assert_eq!(path.extension().unwrap(), "eml");
        let text = std::fs::read_to_string(path).unwrap();
        for line in [
            "From: Example <noreply@example.com>\r\n",
            "To: alice@example.org\r\n",
            "Subject: A code\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "@example.com>\r\n",
            "\r\n    ABCDE-23456\r\n",
            "\r\nDate: ",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        assert_eq!(format!("{letter:?}"), "Letter");
        let nobody = Letter {
            to: "alice\r\nBcc: bob@example.org".into(),
            ..letter
        };
        let error = post.send(nobody).await.unwrap_err();
        assert!(!error.to_string().contains("alice"));
    }
}
