//! A flame graph: each function a bar as wide as its share of the samples, above the one that called it.

use std::fmt::Write as _;

use super::stacks::{Frame, Stacks};

/// Width of the picture.
const WIDTH: f64 = 1_400.0;
/// Height of a bar.
const ROW: f64 = 17.0;
/// Room above the bars for the title.
const HEAD: f64 = 34.0;
/// Bars narrower than this are left out: nobody could see them.
const LEAST: f64 = 0.4;
/// Width of a letter.
const LETTER: f64 = 6.6;

/// A click on a bar makes it as wide as the picture; one on the background, or on the lowest, shows all again.
const SCRIPT: &str = r"
const bars=[...document.querySelectorAll('g.b')],W=+document.documentElement.dataset.w;
const show=(x,w)=>bars.forEach(b=>{const s=W/w,l=(+b.dataset.x-x)*s,v=b.dataset.w*s;
const from=Math.max(0,l),size=Math.min(W,l+v)-from,r=b.children[1],t=b.children[2];
b.style.display=size<0.4?'none':'';if(size<0.4)return;
r.setAttribute('x',from);r.setAttribute('width',size);t.setAttribute('x',from+3);
const n=Math.floor((size-6)/6.6),f=b.dataset.n;t.textContent=n<3?'':f.length<=n?f:f.slice(0,n-1)+'…'});
bars.forEach(b=>b.onclick=e=>{show(+b.dataset.x,+b.dataset.w);e.stopPropagation()});
document.documentElement.onclick=()=>show(0,W);
";

/// The picture as a file that any browser shows; the pointer over a bar tells its whole name and its share.
#[must_use]
pub fn svg(stacks: &Stacks, title: &str) -> String {
    let depth = depth(stacks.root(), WIDTH, stacks.total());
    let height = HEAD + ROW * f64::from(depth) + ROW;
    let mut drawing = Drawing { text: String::new(), total: stacks.total(), height };
    let _ = write!(
        drawing.text,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" data-w=\"{WIDTH}\" font-family=\"monospace\" font-size=\"11\">\n\
         <style>g.b:hover rect{{stroke:#000}}text{{pointer-events:none}}</style>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"8\" y=\"21\" font-size=\"14\">{} · {} samples</text>\n",
        escaped(title),
        stacks.total()
    );
    drawing.bar("all", stacks.root(), 0.0, 0);
    let _ = write!(drawing.text, "<script><![CDATA[{SCRIPT}]]></script>\n</svg>\n");
    drawing.text
}

struct Drawing {
    text: String,
    total: u64,
    height: f64,
}

impl Drawing {
    fn bar(&mut self, name: &str, frame: &Frame, left: f64, level: u32) {
        let width = share(frame, self.total) * WIDTH;
        if width < LEAST {
            return;
        }
        let top = self.height - ROW * f64::from(level + 1);
        let percent = 100.0 * share(frame, self.total);
        let (shown, whole) = (escaped(&fitting(name, width)), escaped(name));
        let _ = writeln!(
            self.text,
            "<g class=\"b\" data-x=\"{left:.2}\" data-w=\"{width:.2}\" data-n=\"{whole}\">\
             <title>{whole}: {} samples, {percent:.2} %</title>\
             <rect x=\"{left:.2}\" y=\"{top:.1}\" width=\"{width:.2}\" height=\"{:.1}\" fill=\"{}\"/>\
             <text x=\"{:.2}\" y=\"{:.1}\">{shown}</text></g>",
            frame.samples,
            ROW - 1.0,
            colour(name),
            left + 3.0,
            top + 12.0
        );
        let mut left = left;
        for (name, called) in &frame.called {
            self.bar(name, called, left, level + 1);
            left += share(called, self.total) * WIDTH;
        }
    }
}

/// Levels of bars that are wide enough to be drawn.
fn depth(frame: &Frame, width: f64, total: u64) -> u32 {
    if share(frame, total) * width < LEAST {
        return 0;
    }
    1 + frame.called.values().map(|called| depth(called, width, total)).max().unwrap_or(0)
}

#[allow(clippy::cast_precision_loss, reason = "samples are far fewer than 2^53")]
fn share(frame: &Frame, total: u64) -> f64 {
    frame.samples as f64 / total.max(1) as f64
}

/// As much of a name as fits into a bar.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a width of the picture in letters"
)]
fn fitting(name: &str, width: f64) -> String {
    let letters = ((width - 6.0) / LETTER).max(0.0) as usize;
    if letters < 3 {
        return String::new();
    }
    if name.chars().count() <= letters {
        return name.to_owned();
    }
    name.chars().take(letters - 1).chain(['…']).collect()
}

/// The project's own functions stand out; others are told apart a little.
fn colour(name: &str) -> String {
    let shade =
        name.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    let hue = if name.contains("logothete") { 20 + shade % 20 } else { 45 + shade % 15 };
    let light = 62 + shade / 32 % 14;
    format!("hsl({hue},85%,{light}%)")
}

/// Text that can stand between the tags and in the attributes of a picture.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            letter if letter.is_control() => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn drawn(text: &str) -> String {
        svg(&Stacks::read(text.as_bytes()).unwrap(), "a <title>")
    }

    #[test]
    fn bars_are_as_wide_as_their_share() {
        let picture =
            drawn("t\n\t1 Vec<u8>::push\n\nt\n\t2 other\n\nt\n\t2 other\n\nt\n\t2 other\n\n");
        let width = |name: &str| {
            let bar =
                picture.lines().find(|line| line.contains(&format!("data-n=\"{name}\""))).unwrap();
            bar.split("data-w=\"")
                .nth(1)
                .unwrap()
                .split('"')
                .next()
                .unwrap()
                .parse::<f64>()
                .unwrap()
        };
        assert!((width("other") - WIDTH * 0.75).abs() < 0.1);
        assert!((width("Vec&lt;u8&gt;::push") - WIDTH * 0.25).abs() < 0.1);
        assert!((width("all") - WIDTH).abs() < 0.1);
    }

    #[test]
    fn names_cannot_break_out_of_their_text() {
        let picture = drawn("t\n\t1 <script>\"&\n\n");
        assert!(!picture.contains("<script>\""), "{picture}");
        assert!(picture.contains("&lt;script&gt;&quot;&amp;"));
        assert!(picture.contains("a &lt;title&gt;"));
    }

    #[test]
    fn a_long_name_is_cut_to_its_bar() {
        assert_eq!(fitting("abcdefghij", 6.0 + 5.0 * LETTER + 0.1), "abcd…");
        assert_eq!(fitting("abc", 100.0), "abc");
        assert_eq!(fitting("abcdefghij", 10.0), "");
    }
}
