//! SVG, written element by element.

use std::fmt::Write;

use crate::output::paint::without_controls;

/// Which end of a text is where it is put.
#[derive(Clone, Copy)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// What a block looks like. They can be told apart in black and white.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fill {
    White,
    Grey,
    Dots,
    Hatch,
    Crossed,
    Dark,
}

impl Fill {
    const fn attributes(self) -> &'static str {
        match self {
            Self::White => r##"fill="#fff" stroke="#000" stroke-width="0.8""##,
            Self::Grey => r##"fill="#bbb" stroke="#000" stroke-width="0.8""##,
            Self::Dots => r##"fill="url(#dots)" stroke="#000" stroke-width="0.8""##,
            Self::Hatch => r##"fill="url(#hatch)" stroke="#000" stroke-width="0.8""##,
            Self::Crossed => r##"fill="url(#crossed)" stroke="#000" stroke-width="0.8""##,
            Self::Dark => r##"fill="#444" stroke="#000" stroke-width="0.8""##,
        }
    }
}

/// An SVG document under way.
pub(crate) struct Canvas {
    svg: String,
}

impl Canvas {
    pub(crate) fn new(width: f64, height: f64) -> Self {
        let svg = format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"
  height="{height}" font-family="Helvetica, Arial, sans-serif" font-size="12" fill="#000">
<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
<rect width="6" height="6" fill="#f2f2f2"/>
<line x1="0" y1="0" x2="0" y2="6" stroke="#bbb" stroke-width="1.5"/>
</pattern>
<pattern id="dots" width="5" height="5" patternUnits="userSpaceOnUse"><rect width="5" height="5" fill="#fff"/>
<circle cx="2.5" cy="2.5" r="0.9" fill="#000"/></pattern>
<pattern id="crossed" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
<rect width="6" height="6" fill="#fff"/><path d="M0 0H6M0 0V6" stroke="#000" stroke-width="1.4"/></pattern></defs>
<rect width="{width}" height="{height}" fill="#fff"/>
"##
        );
        Self { svg }
    }

    pub(crate) fn finish(mut self) -> String {
        self.svg.push_str("</svg>\n");
        self.svg
    }

    fn element(&mut self, element: std::fmt::Arguments<'_>) {
        // A string takes whatever is written to it.
        let _ = writeln!(self.svg, "{element}");
    }

    pub(crate) fn heading(&mut self, x: f64, y: f64, text: &str) {
        let text = escape(text);
        self.element(format_args!(
            r##"<text x="{x:.1}" y="{y:.1}" font-size="16" font-weight="bold">{text}</text>"##
        ));
    }

    pub(crate) fn title(&mut self, x: f64, y: f64, text: &str) {
        let text = escape(text);
        self.element(format_args!(r##"<text x="{x:.1}" y="{y:.1}" font-weight="bold">{text}</text>"##));
    }

    pub(crate) fn text(&mut self, x: f64, y: f64, anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escape(text);
        self.element(format_args!(r##"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{text}</text>"##));
    }

    /// A line across a plot, with its name on the left.
    pub(crate) fn level(&mut self, left: f64, right: f64, y: f64, name: &str) {
        self.element(format_args!(
            r##"<line x1="{left:.1}" y1="{y:.1}" x2="{right:.1}" y2="{y:.1}" stroke="#ccc"/>"##
        ));
        self.text(left - 8.0, y + 4.0, Anchor::End, name);
    }

    pub(crate) fn tick(&mut self, x: f64, y: f64) {
        let end = y + 5.0;
        self.element(format_args!(
            r##"<line x1="{x:.1}" y1="{y:.1}" x2="{x:.1}" y2="{end:.1}" stroke="#000"/>"##
        ));
    }

    pub(crate) fn shade(&mut self, x: f64, y: f64, width: f64, height: f64) {
        self.element(format_args!(
            r##"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" fill="url(#hatch)"/>"##
        ));
    }

    pub(crate) fn line(&mut self, points: &[(f64, f64)], strategy: &str, series: &str, dashes: &str) {
        let points = coordinates(points);
        self.element(format_args!(
            r##"<polyline data-strategy="{strategy}" data-series="{series}" points="{points}" fill="none"
  stroke="#000" stroke-width="1.8" stroke-linejoin="round" stroke-dasharray="{dashes}"/>"##
        ));
    }

    /// A rectangle that looks like this, with a text for whoever points at it.
    pub(crate) fn block(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), fill: Fill, about: &str) {
        let about =
            if about.is_empty() { String::new() } else { format!("<title>{}</title>", escape(about)) };
        let fill = fill.attributes();
        self.element(format_args!(
            r##"<rect x="{x:.2}" y="{y:.1}" width="{width:.2}" height="{height:.1}" {fill}>{about}</rect>"##
        ));
    }

    /// White text, for dark ground.
    pub(crate) fn text_on_dark(&mut self, x: f64, y: f64, text: &str) {
        let text = escape(text);
        self.element(format_args!(
            r##"<text x="{x:.1}" y="{y:.1}" text-anchor="middle" fill="#fff">{text}</text>"##
        ));
    }

    /// White ground for a text.
    pub(crate) fn ground(&mut self, x: f64, y: f64, width: f64, height: f64) {
        self.element(format_args!(
            r##"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" fill="#fff"/>"##
        ));
    }

    /// A thin line straight down, behind what is drawn after it.
    pub(crate) fn rule(&mut self, x: f64, from: f64, until: f64) {
        self.element(format_args!(
            r##"<line x1="{x:.1}" y1="{from:.1}" x2="{x:.1}" y2="{until:.1}" stroke="#ddd"/>"##
        ));
    }

    /// What a line looks like.
    pub(crate) fn sample(&mut self, from: f64, until: f64, y: f64, dashes: &str) {
        self.element(format_args!(
            r##"<line x1="{from:.1}" y1="{y:.1}" x2="{until:.1}" y2="{y:.1}" stroke="#000"
  stroke-width="1.8" stroke-dasharray="{dashes}"/>"##
        ));
    }

    pub(crate) fn area(&mut self, points: &[(f64, f64)], strategy: &str, series: &str) {
        let points = coordinates(points);
        self.element(format_args!(
            r##"<polygon data-strategy="{strategy}" data-series="{series}" points="{points}" fill="#444"/>"##
        ));
    }
}

fn coordinates(points: &[(f64, f64)]) -> String {
    points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect::<Vec<_>>().join(" ")
}

/// XML has no way to write most control characters.
fn escape(text: &str) -> String {
    without_controls(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_no_markup() {
        let mut canvas = Canvas::new(10.0, 10.0);
        canvas.text(0.0, 0.0, Anchor::End, "a < b & c\x1b");
        assert!(canvas.finish().contains(">a &lt; b &amp; c\u{fffd}</text>"));
    }
}
