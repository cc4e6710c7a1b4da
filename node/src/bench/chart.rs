//! Small line charts, side by side, as an SVG picture.

use std::fmt::Write as _;

use super::profile::picture::escaped;

/// Size of one panel with its margins, in pixels.
const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 190.0;
/// Room for the numbers left of and below the lines, and for the title above.
const LEFT: f64 = 58.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 36.0;
/// An axis whose ends are further apart than this is logarithmic.
const LOGARITHMIC_FROM: f64 = 50.0;

/// One line.
#[derive(Clone, Debug)]
pub struct Panel {
    /// What is drawn, with its unit.
    pub title: String,
    /// What grows.
    pub axis: String,
    /// Where to where, by ascending first number.
    pub points: Vec<(f64, f64)>,
}

/// Draws the panels of each row beside each other, the rows below each other.
#[must_use]
pub fn svg(rows: &[Vec<Panel>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let (width, height) = (WIDTH * float(columns), HEIGHT * float(rows.len()));
    let mut picture = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"10\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    for (y, row) in rows.iter().enumerate() {
        for (x, panel) in row.iter().enumerate() {
            let place = (WIDTH * float(x), HEIGHT * float(y));
            draw(&mut picture, panel, place);
        }
    }
    picture.push_str("</svg>\n");
    picture
}

/// Where numbers lie along an axis.
struct Scale {
    from: f64,
    to: f64,
    logarithmic: bool,
    /// The first and the last pixel.
    pixels: (f64, f64),
}

impl Scale {
    /// Along the bottom: from the first number to the last.
    fn along(points: &[(f64, f64)], pixels: (f64, f64)) -> Self {
        let from = points.iter().map(|point| point.0).fold(f64::INFINITY, f64::min);
        let to = points.iter().map(|point| point.0).fold(f64::NEG_INFINITY, f64::max);
        let logarithmic = from > 0.0 && to / from > LOGARITHMIC_FROM;
        Self { from, to, logarithmic, pixels }
    }

    /// Upwards: from nothing to a round number above the largest.
    fn upwards(points: &[(f64, f64)], pixels: (f64, f64)) -> Self {
        let largest = points.iter().map(|point| point.1).fold(0.0, f64::max);
        Self { from: 0.0, to: round_above(largest), logarithmic: false, pixels }
    }

    fn place(&self, number: f64) -> f64 {
        let bend = |number: f64| if self.logarithmic { number.ln() } else { number };
        let (from, to) = (bend(self.from), bend(self.to));
        let share = if to > from { (bend(number) - from) / (to - from) } else { 0.5 };
        self.pixels.0 + share * (self.pixels.1 - self.pixels.0)
    }
}

fn draw(picture: &mut String, panel: &Panel, (left, top): (f64, f64)) {
    if panel.points.is_empty() {
        return;
    }
    let (x0, x1) = (left + LEFT, left + WIDTH - RIGHT);
    let (y0, y1) = (top + HEIGHT - BOTTOM, top + TOP);
    let x = Scale::along(&panel.points, (x0 + 6.0, x1 - 6.0));
    let y = Scale::upwards(&panel.points, (y0, y1));
    text(picture, (left + WIDTH / 2.0, top + 18.0), "middle", &panel.title, "#111");
    text(picture, (left + WIDTH / 2.0, y0 + 30.0), "middle", &panel.axis, "#555");
    for step in 0..=4 {
        let number = y.to * f64::from(step) / 4.0;
        let at = y.place(number);
        line(picture, (x0, at), (x1, at), "#ddd");
        text(picture, (x0 - 6.0, at + 3.0), "end", &short(number), "#555");
    }
    let mut path = String::new();
    for (place, value) in &panel.points {
        let (at, up) = (x.place(*place), y.place(*value));
        let _ = write!(path, "{at:.1},{up:.1} ");
        let _ =
            writeln!(picture, "<circle cx=\"{at:.1}\" cy=\"{up:.1}\" r=\"3\" fill=\"#1f5fa8\"/>");
    }
    for place in labelled(&panel.points, &x) {
        text(picture, (x.place(place), y0 + 14.0), "middle", &short(place), "#555");
    }
    let _ = writeln!(
        picture,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"#1f5fa8\" stroke-width=\"1.5\"/>",
        path.trim_end()
    );
}

/// The numbers below the line that have room for their digits.
fn labelled(points: &[(f64, f64)], x: &Scale) -> Vec<f64> {
    const ROOM: f64 = 30.0;
    let mut labelled: Vec<f64> = Vec::new();
    for (place, _) in points {
        if labelled.last().is_none_or(|last| x.place(*place) - x.place(*last) >= ROOM) {
            labelled.push(*place);
        }
    }
    labelled
}

fn text(picture: &mut String, (x, y): (f64, f64), anchor: &str, text: &str, colour: &str) {
    let text = escaped(text);
    let _ = writeln!(
        picture,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{colour}\">{text}</text>"
    );
}

fn line(picture: &mut String, from: (f64, f64), to: (f64, f64), colour: &str) {
    let _ = writeln!(
        picture,
        "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"{colour}\"/>",
        from.0, from.1, to.0, to.1
    );
}

/// One, two or five times a power of ten.
fn round_above(number: f64) -> f64 {
    let ten = 10f64.powf(number.max(1e-9).log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .map(|step| step * ten)
        .into_iter()
        .find(|round| *round >= number)
        .unwrap_or(number)
}

/// A number in few characters.
fn short(number: f64) -> String {
    match number.abs() {
        large if large >= 1e6 => format!("{}M", plain(number / 1e6)),
        large if large >= 1e4 => format!("{}k", plain(number / 1e3)),
        _ => plain(number),
    }
}

fn plain(number: f64) -> String {
    let text = format!("{number:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[allow(clippy::cast_precision_loss, reason = "a handful of rows and columns")]
const fn float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(points: &[(f64, f64)]) -> Panel {
        Panel { title: "a < b".into(), axis: "n".into(), points: points.to_vec() }
    }

    #[test]
    fn every_point_is_drawn_inside_its_panel() {
        let points = [(1.0, 3.0), (1_000.0, 0.0), (1_000_000.0, 7.5)];
        let picture = svg(&[vec![panel(&points)], vec![panel(&points[..1]), panel(&[])]]);
        let coordinates: Vec<f64> = picture
            .lines()
            .filter(|line| line.starts_with("<circle"))
            .flat_map(|line| {
                ["cx=\"", "cy=\""].map(|name| {
                    let rest = line.split(name).nth(1).expect("a circle has both");
                    rest.split('"').next().and_then(|n| n.parse().ok()).expect("a number")
                })
            })
            .collect();
        assert_eq!(coordinates.len(), 8, "{picture}");
        for pair in coordinates.chunks(2) {
            assert!((LEFT..WIDTH).contains(&pair[0]), "{pair:?}");
            assert!((TOP..2.0 * HEIGHT).contains(&pair[1]), "{pair:?}");
        }
        assert!(picture.contains("a &lt; b"));
    }

    #[test]
    fn numbers_far_apart_are_spread_evenly() {
        let points = [(1.0, 1.0), (1_000.0, 1.0), (1_000_000.0, 1.0)];
        let scale = Scale::along(&points, (0.0, 100.0));
        assert!((scale.place(1_000.0) - 50.0).abs() < 1e-6);
        let near = Scale::along(&[(4.0, 1.0), (16.0, 1.0)], (0.0, 100.0));
        assert!((near.place(10.0) - 50.0).abs() < 1e-6);
    }

    #[test]
    fn axes_end_at_round_numbers() {
        let ends = [0.7, 1.0, 1.1, 3.0, 7_300.0].map(round_above);
        assert_eq!(ends, [1.0, 1.0, 2.0, 5.0, 10_000.0]);
        assert_eq!([25_000.0, 1e6, 0.25, 999.0].map(short), ["25k", "1M", "0.25", "999"]);
    }
}
