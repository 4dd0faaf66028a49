//! The pictures, in SVG: no background and no fonts of their own, so that they fit on light pages and on dark ones.

use anyhow::{Context, Result};
use plotters::chart::{ChartBuilder, SeriesLabelPosition};
use plotters::coord::Shift;
use plotters::element::{Circle, PathElement, Rectangle, Text};
use plotters::prelude::{DrawingArea, IntoDrawingArea, LineSeries, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, IntoFont, RGBColor, TRANSPARENT, TextStyle};

use super::found::{AtServer, Beside, Floor, Found, OUR_CLIENT};
use super::{short, whole};

/// Text and axes; on dark pages, see [`DARK`].
const INK: RGBColor = RGBColor(0x1F, 0x23, 0x28);
/// Lines behind the data.
const FAINT: RGBColor = RGBColor(0xD0, 0xD7, 0xDE);
// These are seen on both.
const OURS: RGBColor = RGBColor(0x2F, 0x81, 0xF7);
const PEERS: [RGBColor; 2] = [RGBColor(0x7D, 0x85, 0x90), RGBColor(0xBF, 0x6B, 0x00)];
const AIM: RGBColor = RGBColor(0xDA, 0x36, 0x33);

/// Style rules are stronger than the attributes with which shapes are drawn.
const DARK: &str = "<style>@media (prefers-color-scheme: dark) {\
    [fill=\"#1F2328\"] { fill: #E6EDF3 } [stroke=\"#1F2328\"] { stroke: #E6EDF3 } \
    [stroke=\"#D0D7DE\"] { stroke: #3D444D } }</style>\n";

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Each picture by the name of its file; none where nothing was measured for it.
pub(super) fn all(found: &Found) -> Result<[(&'static str, Option<String>); 3]> {
    let beside = found.beside.as_ref();
    let floor = beside.and_then(|beside| beside.floor.as_ref());
    // The official server is the same ground for all clients.
    let server = found.round_trips.as_ref().and_then(|all| all.last());
    Ok([
        ("ratios.svg", beside.map(ratios).transpose()?),
        ("refresh.svg", floor.map(refresh).transpose()?),
        ("latency.svg", server.map(latency).transpose()?),
    ])
}

/// A bar from one number to another.
struct Bar {
    name: String,
    from: f64,
    to: f64,
    /// Beside its end.
    text: String,
    /// Where it should at least end.
    aim: Option<f64>,
    color: RGBColor,
}

/// How many times as much as the official server for a second of the processor, with what we want.
fn ratios(beside: &Beside) -> Result<String> {
    let bar = |race: &super::found::Race| Bar {
        name: race.name.clone(),
        from: 0.0,
        to: race.ratio.median,
        text: format!("{} ×", short(race.ratio.median)),
        aim: race.target,
        color: OURS,
    };
    let bars: Vec<_> = beside.rows.iter().map(bar).collect();
    let unit = "times the official PDS, for a second of CPU time; the aim in red";
    draw_bars(&bars, unit)
}

/// The parts of a refresh one after the other, and what ours takes.
fn refresh(floor: &Floor) -> Result<String> {
    let mut bars = Vec::new();
    let mut from = 0.0;
    for (name, microseconds) in [
        ("verify the proof", floor.verify_us),
        ("sign the token", floor.sign_us),
        ("exchange over HTTP", floor.http_us),
        ("durable commit", floor.commit_us),
    ] {
        bars.push(Bar {
            name: name.to_owned(),
            from,
            to: from + microseconds,
            text: short(microseconds),
            aim: None,
            color: PEERS[0],
        });
        from += microseconds;
    }
    bars.push(Bar {
        name: "our refresh".to_owned(),
        from: 0.0,
        to: floor.refresh_us,
        text: short(floor.refresh_us),
        aim: None,
        color: OURS,
    });
    draw_bars(&bars, "microseconds of CPU time")
}

fn draw_bars(bars: &[Bar], unit: &str) -> Result<String> {
    let count = u32::try_from(bars.len())?;
    let rows = f64::from(count);
    let ends = bars.iter().map(|bar| bar.to.max(bar.aim.unwrap_or(0.0)));
    let most = ends.fold(1.0, f64::max) * 1.15;
    picture((760, 70 + 30 * count), |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(10)
            .x_label_area_size(46)
            .y_label_area_size(240)
            .build_cartesian_2d(0.0..most, 0.0..rows)?;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .y_labels(0)
            .bold_line_style(FAINT)
            .light_line_style(TRANSPARENT)
            .axis_style(INK)
            .label_style(text(13))
            .x_label_formatter(&|number| whole(*number))
            .x_desc(unit)
            .draw()?;
        let mut top = rows;
        for bar in bars {
            let (low, high, middle) = (top - 0.85, top - 0.15, top - 0.5);
            top -= 1.0;
            let shape = Rectangle::new([(bar.from, low), (bar.to, high)], bar.color.filled());
            chart.draw_series([shape])?;
            if let Some(aim) = bar.aim {
                let line = [(aim, low - 0.1), (aim, high + 0.1)];
                chart.draw_series([PathElement::new(line, AIM.stroke_width(2))])?;
            }
            let gap = most / 100.0;
            let name = text(14).pos(Pos::new(HPos::Right, VPos::Center));
            let number = text(13).pos(Pos::new(HPos::Left, VPos::Center));
            let end = bar.to.max(bar.aim.unwrap_or(0.0)) + gap;
            chart.draw_series([
                // What would stand left of the axis is drawn at it, so the gap is part of the text.
                Text::new(format!("{}\u{a0}\u{a0}", bar.name), (0.0, middle), name),
                Text::new(bar.text.clone(), (end, middle), number),
            ])?;
        }
        Ok(())
    })
}

/// How long a login and a refresh take, over the delay of each request.
fn latency(server: &AtServer) -> Result<String> {
    picture((760, 320), |area| {
        let panels = area.split_evenly((1, 2));
        let cases = [
            ("login, cold", "a login, nothing known yet"),
            ("refresh, warm", "a refresh"),
        ];
        for (panel, (case, title)) in panels.iter().zip(cases) {
            panel_of(panel, server, case, title)?;
        }
        Ok(())
    })
}

fn panel_of(panel: &Area<'_>, server: &AtServer, case: &str, title: &str) -> Result<()> {
    let clients = std::iter::once(OUR_CLIENT).chain(server.others());
    let colors = std::iter::once(OURS).chain(PEERS);
    let mut curves = Vec::new();
    for (client, color) in clients.zip(colors) {
        if let Some(case) = server.case(client, case) {
            let points = case.ms.iter().map(|(&delay, &ms)| (f64::from(delay), ms));
            curves.push((client, color, points.collect::<Vec<_>>()));
        }
    }
    let points = || curves.iter().flat_map(|(_, _, points)| points);
    let longest = points().map(|point| point.0).fold(1.0, f64::max);
    let most = points().map(|point| point.1).fold(1.0, f64::max) * 1.1;
    let mut chart = ChartBuilder::on(panel)
        .margin(10)
        .margin_right(30)
        .caption(title, text(15))
        .x_label_area_size(46)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..longest, 0.0..most)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(4)
        .y_labels(6)
        .bold_line_style(FAINT)
        .light_line_style(TRANSPARENT)
        .axis_style(INK)
        .label_style(text(13))
        .x_label_formatter(&|number| whole(*number))
        .y_label_formatter(&|number| whole(*number))
        .x_desc("ms that each request takes longer")
        .y_desc("ms until it is done")
        .draw()?;
    for (client, color, points) in &curves {
        let color = *color;
        let line = LineSeries::new(points.iter().copied(), color.stroke_width(2));
        chart
            .draw_series(line)?
            .label(*client)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color.stroke_width(2)));
        let dots = points
            .iter()
            .map(|&point| Circle::new(point, 3, color.filled()));
        chart.draw_series(dots)?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .label_font(text(13))
        .draw()?;
    Ok(())
}

fn text(size: i32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&INK)
}

/// Draws, and adds the colours of dark pages.
fn picture(size: (u32, u32), draw: impl FnOnce(&Area<'_>) -> Result<()>) -> Result<String> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        draw(&area)?;
        area.present()?;
    }
    let (tag, rest) = svg.split_once('>').context("the picture is empty")?;
    Ok(format!("{tag}>\n{DARK}{}", rest.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::super::tests::recorded;
    use super::*;

    #[test]
    fn every_picture_is_drawn_and_fits_on_dark_pages() {
        for (name, picture) in all(&recorded().found).unwrap() {
            let svg = picture.unwrap();
            assert!(svg.starts_with("<svg "), "{name}");
            assert!(svg.contains("prefers-color-scheme: dark"), "{name}");
            assert!(svg.trim_end().ends_with("</svg>"), "{name}");
            for foreign in ["@font-face", "<image", "href", "<script"] {
                assert!(!svg.contains(foreign), "{name}: {foreign}");
            }
            // All that is drawn in a colour for light pages has another one for dark ones.
            for color in ["#000000", "#FFFFFF"] {
                assert!(!svg.contains(color), "{name}: {color}");
            }
        }
    }

    #[test]
    fn the_pictures_show_the_numbers() {
        let [(_, ratios), (_, refresh), (_, latency)] = all(&recorded().found).unwrap();
        for (picture, words) in [
            (ratios, ["refresh, confidential", "15.6 ×"]),
            (refresh, ["durable commit", "143"]),
            (latency, ["oauth-client-node 0.5.7", "a refresh"]),
        ] {
            let picture = picture.unwrap();
            for word in words {
                assert!(picture.contains(word), "{word}");
            }
        }
    }
}
