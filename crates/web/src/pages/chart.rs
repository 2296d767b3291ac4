//! Charts, drawn on the server as SVG: bars for what a day came to, a line for what there was at its end.
//!
//! What is drawn is also there to be read: each chart has a title, a description, and the same figures in a table that
//! unfolds. Colours are the sheet's, so that both colour schemes have theirs; nothing is styled in place, which the
//! pages' policy forbids.

use std::fmt::Write;

use maud::{Markup, PreEscaped, html};

/// How it is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A bar for each figure.
    Bars,
    /// A line with the area below it.
    Line,
}

/// A figure, with what it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// What it belongs to: a day.
    pub label: String,
    /// How much.
    pub value: u64,
    /// The same for people.
    pub display: String,
}

/// A chart.
#[derive(Clone, Copy, Debug)]
pub struct Chart<'a> {
    /// Tells it from others on the page: letters only.
    pub id: &'a str,
    /// What it shows.
    pub title: &'a str,
    /// The same in a sentence, for who does not see it.
    pub description: &'a str,
    /// How it is drawn.
    pub shape: Shape,
    /// From left to right.
    pub points: &'a [Point],
    /// How many decimals the figures have.
    pub scale: u8,
}

/// The drawing's own measures; it takes the width that it is given.
const WIDTH: u64 = 640;
const HEIGHT: u64 = 200;
const LEFT: u64 = 68;
const BOTTOM: u64 = 32;
const TOP: u64 = 10;
const INNER_WIDTH: u64 = WIDTH - LEFT - 8;
const INNER_HEIGHT: u64 = HEIGHT - TOP - BOTTOM;

impl Chart<'_> {
    /// The drawing, and the table beside it.
    pub fn draw(&self) -> Markup {
        let (title, description) = (format!("{}-title", self.id), format!("{}-text", self.id));
        html! {
            figure.chart {
                figcaption { (self.title) }
                svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-labelledby=(format!("{title} {description}")) {
                    title id=(title) { (self.title) }
                    desc id=(description) { (self.description) }
                    (PreEscaped(self.picture()))
                }
                details {
                    summary { "The same as a table" }
                    div.wide tabindex="0" role="group" aria-label="Table" {
                        table {
                            thead { tr { th scope="col" { "Day" } th.sum scope="col" { (self.title) } } }
                            tbody {
                                @for point in self.points {
                                    tr { th scope="row" { (point.label) } td.sum { (point.display) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// Axes and figures. Nothing in it comes from anybody but the digits and dates that we make.
    fn picture(&self) -> String {
        let most = self.points.iter().map(|point| point.value).max().unwrap_or(0);
        let (step, steps) = ticks(most, self.scale);
        let top = step.saturating_mul(steps);
        let mut out = String::new();
        for tick in 0..=steps {
            let value = step.saturating_mul(tick);
            let y = height_of(value, top);
            let text = short(value, self.scale);
            let right = WIDTH - 8;
            let _ = write!(out, r#"<path class="rule" d="M{LEFT} {y}H{right}"/>"#);
            let (x, y) = (LEFT - 8, y.saturating_add(6));
            let _ = write!(
                out,
                r#"<text class="tick" x="{x}" y="{y}" text-anchor="end">{text}</text>"#
            );
        }
        self.days(&mut out);
        match self.shape {
            Shape::Bars => self.bars(top, &mut out),
            Shape::Line => self.line(top, &mut out),
        }
        out
    }

    /// The first day, the last, and some between: as many as can be read.
    fn days(&self, out: &mut String) {
        let count = self.points.len();
        let every = count.div_ceil(4).max(1);
        let y = HEIGHT - 6;
        for (place, point) in self.points.iter().enumerate().step_by(every) {
            // The month and the day are enough below a drawing.
            let text = point.label.get(5..).unwrap_or(&point.label);
            let (x, _) = self.slot(place);
            let anchor = if place == 0 { "start" } else { "middle" };
            let x = if place == 0 { LEFT } else { x };
            let _ = write!(
                out,
                r#"<text class="tick" x="{x}" y="{y}" text-anchor="{anchor}">{text}</text>"#
            );
        }
    }

    /// The middle of a figure's place, and the width of it.
    fn slot(&self, place: usize) -> (u64, u64) {
        let count = u64::try_from(self.points.len()).unwrap_or(1).max(1);
        let place = u64::try_from(place).unwrap_or(0);
        let at = |place: u64| LEFT.saturating_add(INNER_WIDTH.saturating_mul(place) / count);
        let (from, to) = (at(place), at(place.saturating_add(1)));
        (from.saturating_add(to) / 2, to.saturating_sub(from))
    }

    fn bars(&self, top: u64, out: &mut String) {
        for (place, point) in self.points.iter().enumerate().filter(|(_, point)| point.value > 0) {
            let (middle, slot) = self.slot(place);
            let width = (slot.saturating_mul(3) / 4).clamp(1, 40);
            let y = height_of(point.value, top);
            let height = (HEIGHT - BOTTOM).saturating_sub(y).max(1);
            let (x, y) =
                (middle.saturating_sub(width / 2), (HEIGHT - BOTTOM).saturating_sub(height));
            let _ = write!(
                out,
                r#"<rect class="bar" x="{x}" y="{y}" width="{width}" height="{height}"><title>{}: {}</title></rect>"#,
                point.label, point.display
            );
        }
    }

    fn line(&self, top: u64, out: &mut String) {
        let mut path = String::new();
        let (mut first, mut last) = (LEFT, LEFT);
        for (place, point) in self.points.iter().enumerate() {
            let (x, _) = self.slot(place);
            let verb = if place == 0 { 'M' } else { 'L' };
            first = if place == 0 { x } else { first };
            last = x;
            let _ = write!(path, "{verb}{x} {}", height_of(point.value, top));
        }
        if path.is_empty() {
            return;
        }
        let ground = HEIGHT - BOTTOM;
        let _ = write!(out, r#"<path class="area" d="{path}L{last} {ground}L{first} {ground}Z"/>"#);
        let _ = write!(out, r#"<path class="line" d="{path}"/>"#);
    }
}

/// How far from the top a figure is, where `top` is the highest that is drawn.
fn height_of(value: u64, top: u64) -> u64 {
    let part = u128::from(INNER_HEIGHT).saturating_mul(value.into());
    let part = part.checked_div(top.into()).unwrap_or(0);
    TOP.saturating_add(INNER_HEIGHT.saturating_sub(u64::try_from(part).unwrap_or(INNER_HEIGHT)))
}

/// What the axis counts by, and how often: 1, 2 or 5 and zeros, at most five steps, which reach the highest figure. Nothing
/// smaller than the smallest unit, and no fractions of what has no decimals.
fn ticks(most: u64, scale: u8) -> (u64, u64) {
    let one = 10_u64.saturating_pow(scale.into());
    if most == 0 {
        return (one, 1);
    }
    let mut power: u64 = 1;
    loop {
        for step in [1, 2, 5].map(|digit| power.saturating_mul(digit)) {
            if most.div_ceil(step.max(1)) <= 5 {
                return (step, most.div_ceil(step.max(1)));
            }
        }
        power = power.saturating_mul(10);
    }
}

/// A figure on an axis: `1.5k`, `20`, `0.5`.
fn short(value: u64, scale: u8) -> String {
    let one = 10_u64.saturating_pow(scale.into());
    let whole = value / one.max(1);
    for (unit, name) in [(1_000_000_000, "bn"), (1_000_000, "m"), (1_000, "k")] {
        if whole >= unit {
            let tenths = whole.saturating_mul(10) / unit;
            return tenth(tenths, name);
        }
    }
    if whole >= 10 || value.is_multiple_of(one.max(1)) {
        return whole.to_string();
    }
    let decimals = usize::from(scale);
    let rest = format!("{:0>decimals$}", value % one);
    format!("{whole}.{}", rest.trim_end_matches('0'))
}

fn tenth(tenths: u64, name: &str) -> String {
    match tenths % 10 {
        0 => format!("{}{name}", tenths / 10),
        rest => format!("{}.{rest}{name}", tenths / 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[u64]) -> Vec<Point> {
        let point = |(place, value): (usize, &u64)| Point {
            label: format!("2026-11-{:02}", place + 1),
            value: *value,
            display: format!("{value} AUR"),
        };
        values.iter().enumerate().map(point).collect()
    }

    #[test]
    fn an_axis_counts_by_round_numbers_up_to_the_highest() {
        for (most, expected) in [
            (0, (1, 1)),
            (1, (1, 1)),
            (4, (1, 4)),
            (6, (2, 3)),
            (23, (5, 5)),
            (26, (10, 3)),
            (999, (200, 5)),
        ] {
            assert_eq!(ticks(most, 0), expected, "{most}");
        }
        for most in [1, 7, 99, 12_345, 10_u64.pow(15), u64::MAX / 10] {
            let (step, steps) = ticks(most, 2);
            assert!(steps <= 5 && u128::from(step) * u128::from(steps) >= most.into(), "{most}");
        }
        assert_eq!(ticks(0, 2), (100, 1));
    }

    #[test]
    fn figures_on_an_axis_are_short() {
        let shown = |value| short(value, 2);
        assert_eq!([0, 5, 50, 100, 2_000].map(shown), ["0", "0.05", "0.5", "1", "20"]);
        assert_eq!([150_000, 2_000_000, 250_000_000].map(shown), ["1.5k", "20k", "2.5m"]);
        assert_eq!(short(1_500, 0), "1.5k");
    }

    #[test]
    fn bars_stand_on_the_ground_and_the_highest_reaches_the_top() {
        let points = points(&[0, 5, 10]);
        let chart = Chart {
            id: "sales",
            title: "Sales",
            description: "By day.",
            shape: Shape::Bars,
            points: &points,
            scale: 0,
        };
        let html = chart.draw().into_string();
        assert_eq!(html.matches("<rect class=\"bar\"").count(), 2, "nothing is drawn for nothing");
        assert!(html.contains(&format!("height=\"{INNER_HEIGHT}\"")), "{html}");
        assert!(html.contains("<title id=\"sales-title\">Sales</title>"));
        assert!(html.contains("<th scope=\"row\">2026-11-02</th><td class=\"sum\">5 AUR</td>"));
        assert!(!html.contains("style="), "the policy forbids it");
    }

    #[test]
    fn a_line_goes_over_every_day_and_nothing_is_no_line() {
        let days = points(&[3, 2, 9, 9]);
        let chart = |points| Chart {
            id: "left",
            title: "Left",
            description: "",
            shape: Shape::Line,
            points,
            scale: 0,
        };
        let html = chart(&days).draw().into_string();
        let line = html.split("class=\"line\" d=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!((line.matches('M').count(), line.matches('L').count()), (1, 3));
        assert!(!chart(&[]).draw().into_string().contains("class=\"line\""));
    }

    #[test]
    fn a_year_has_no_more_dates_than_can_be_read() {
        let days = points(&vec![1; 365]);
        let chart = Chart {
            id: "y",
            title: "Y",
            description: "",
            shape: Shape::Bars,
            points: &days,
            scale: 0,
        };
        let picture = chart.picture();
        assert_eq!(picture.matches("y=\"194\"").count(), 4);
        assert_eq!(picture.matches("<rect").count(), 365);
    }
}
