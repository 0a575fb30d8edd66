//! A platform's page.

use krilla::surface::Surface;
use parley::layout::Alignment;

use crate::chart::{self, Frame};
use crate::text::{Color, Pen, Style};
use crate::{Figure, KeyFigure, Part, Platform, Post, Report};

pub const INK: Color = Color(24, 24, 27);
pub const INK_SOFT: Color = Color(99, 99, 110);
pub const FAINT: Color = Color(226, 226, 232);
pub const ACCENT: Color = Color(67, 56, 202);
const UP: Color = Color(21, 128, 61);
const DOWN: Color = Color(185, 28, 28);

/// A4, in points.
pub const SIZE: (f32, f32) = (595.0, 842.0);
const MARGIN: f32 = 44.0;
const WIDTH: f32 = SIZE.0 - 2.0 * MARGIN;

const BODY: Style = Style { size: 9.0, bold: false, color: INK, align: Alignment::Start };
const SOFT: Style = Style { size: 8.0, color: INK_SOFT, ..BODY };
const HEAD: Style = Style { size: 11.0, bold: true, ..BODY };

/// How many posts a page shows, at most.
pub const POSTS: usize = 5;
/// How many shares of a part of the audience.
const SHARES: usize = 5;

/// Draws a platform's page.
pub fn draw(pen: &mut Pen<'_>, surface: &mut Surface<'_>, report: &Report, platform: &Platform) {
    heading(pen, surface, report, platform);
    let mut y = 118.0;
    y = key_figures(pen, surface, y, &platform.figures);
    pen.line(surface, (MARGIN, y), "Followers", HEAD, WIDTH);
    let frame = Frame { x: MARGIN, y: y + 14.0, width: WIDTH, height: 120.0 };
    chart::course(pen, surface, frame, &platform.followers);
    y = posts(pen, surface, y + 178.0, platform);
    audience(pen, surface, y + 24.0, &platform.audience);
}

/// Draws the page of a report without any account.
pub fn empty(pen: &mut Pen<'_>, surface: &mut Surface<'_>, report: &Report) {
    title(pen, surface, report, "Report");
    pen.line(surface, (MARGIN, 120.0), "No account was connected that these days could be reported of.", BODY, WIDTH);
}

/// Draws what stands at the foot of every page.
pub fn foot(pen: &mut Pen<'_>, surface: &mut Surface<'_>, report: &Report, page: usize, pages: usize) {
    let y = SIZE.1 - 30.0;
    chart::rule(surface, (MARGIN, y - 14.0), (MARGIN + WIDTH, y - 14.0), 0.5);
    let made = format!(
        "Made {}. Figures are the platforms' own. Changes are against the equally long time before.",
        moment(&report.made_at)
    );
    pen.line(surface, (MARGIN, y), &made, SOFT, WIDTH - 60.0);
    let number = format!("{page} / {pages}");
    pen.line(surface, (MARGIN + WIDTH - 60.0, y), &number, Style { align: Alignment::Right, ..SOFT }, 60.0);
}

fn title(pen: &mut Pen<'_>, surface: &mut Surface<'_>, report: &Report, name: &str) {
    pen.line(surface, (MARGIN, 62.0), name, Style { size: 22.0, bold: true, ..BODY }, WIDTH * 0.55);
    let right = Style { align: Alignment::Right, ..BODY };
    let at = MARGIN + WIDTH * 0.55;
    pen.line(surface, (at, 54.0), &report.talent, Style { size: 11.0, bold: true, ..right }, WIDTH * 0.45);
    let days = format!("{} – {}", report.days.0.strftime("%b %-d, %Y"), report.days.1.strftime("%b %-d, %Y"));
    pen.line(surface, (at, 69.0), &days, right, WIDTH * 0.45);
    pen.line(surface, (at, 82.0), &report.zone, Style { align: Alignment::Right, ..SOFT }, WIDTH * 0.45);
    chart::rule(surface, (MARGIN, 94.0), (MARGIN + WIDTH, 94.0), 0.5);
}

fn heading(pen: &mut Pen<'_>, surface: &mut Surface<'_>, report: &Report, platform: &Platform) {
    title(pen, surface, report, &platform.name);
    let mut line = platform.handles.join(", ");
    if let Some(as_of) = &platform.as_of {
        line = format!("{line} · figures as of {}", moment(as_of));
    }
    pen.line(surface, (MARGIN, 82.0), &line, SOFT, WIDTH * 0.55);
}

/// Four to a row.
fn key_figures(pen: &mut Pen<'_>, surface: &mut Surface<'_>, y: f32, figures: &[KeyFigure]) -> f32 {
    let (column, row) = (WIDTH / 4.0, 58.0);
    for (index, figure) in figures.iter().enumerate() {
        let x = MARGIN + column * (index % 4) as f32;
        let y = y + row * (index / 4) as f32;
        let width = column - 12.0;
        pen.line(surface, (x, y), &figure.name, SOFT, width);
        let value = Style { size: 17.0, bold: true, ..BODY };
        let missing = Style { size: 10.0, color: INK_SOFT, ..BODY };
        let style = if matches!(figure.now, Figure::Missing(_)) { missing } else { value };
        pen.line(surface, (x, y + 20.0), &words(figure.now), style, width);
        let (change, color) = change(figure);
        pen.line(surface, (x, y + 33.0), &change, Style { color, ..SOFT }, width);
    }
    y + row * figures.len().div_ceil(4) as f32 + 4.0
}

/// How a figure differs from the one before, and the colour for it.
fn change(figure: &KeyFigure) -> (String, Color) {
    let difference = match (figure.now, figure.before) {
        (Figure::Number(now), Figure::Number(before)) if before > 0.0 => {
            let percent = (now - before) / before * 100.0;
            (percent, format!("{} %", signed(percent)))
        }
        (Figure::Number(now), Figure::Number(before)) => (now - before, signed(now - before)),
        // The difference of two rates is in points.
        (Figure::Percent(now), Figure::Percent(before)) => (now - before, format!("{} pts", signed(now - before))),
        (Figure::Missing(_), _) => return (String::new(), INK_SOFT),
        (_, Figure::Missing(reason)) => return (format!("before: {}", reason.words()), INK_SOFT),
        _ => return (String::new(), INK_SOFT),
    };
    let color = match difference.0 {
        up if up > 0.0 => UP,
        down if down < 0.0 => DOWN,
        _ => INK_SOFT,
    };
    (format!("{} (was {})", difference.1, words(figure.before)), color)
}

fn posts(pen: &mut Pen<'_>, surface: &mut Surface<'_>, y: f32, platform: &Platform) -> f32 {
    let shown = &platform.posts[..platform.posts.len().min(POSTS)];
    let head = match (shown.len(), platform.post_count) {
        (0, _) => "Posts".to_owned(),
        (shown, all) if shown < all => format!("Best posts ({shown} of {all})"),
        _ => "Posts by engagement".to_owned(),
    };
    pen.line(surface, (MARGIN, y), &head, HEAD, WIDTH);
    if shown.is_empty() {
        pen.line(surface, (MARGIN, y + 18.0), "There were none in these days.", SOFT, WIDTH);
        return y + 30.0;
    }
    let columns = [("Views", 330.0), ("Engagement", 390.0), ("Rate", 450.0)];
    let right = Style { align: Alignment::Right, ..SOFT };
    for (name, at) in columns {
        pen.line(surface, (MARGIN + at, y), name, right, 57.0);
    }
    let mut y = y + 8.0;
    for post in shown {
        chart::rule(surface, (MARGIN, y), (MARGIN + WIDTH, y), 0.5);
        y = row(pen, surface, y + 5.0, post, columns.map(|(_, at)| at)) + 5.0;
    }
    y
}

fn row(pen: &mut Pen<'_>, surface: &mut Surface<'_>, y: f32, post: &Post, columns: [f32; 3]) -> f32 {
    let caption = if post.caption.trim().is_empty() { "(without a caption)" } else { &post.caption };
    let block = pen.block(caption, BODY, 310.0, 2);
    pen.draw(surface, (MARGIN, y), &block);
    let below = y + block.height() + 9.0;
    let about = format!("{} · {}", post.day.strftime("%b %-d, %Y"), post.kind);
    let about = post.url.as_ref().map_or(about.clone(), |url| format!("{about} · {url}"));
    pen.line(surface, (MARGIN, below), &about, Style { size: 7.0, align: Alignment::Left, ..SOFT }, 310.0);
    for (figure, at) in [post.views, post.engagement, post.rate].into_iter().zip(columns) {
        let missing = matches!(figure, Figure::Missing(_));
        let style = if missing { Style { size: 7.0, ..SOFT } } else { BODY };
        pen.line(surface, (MARGIN + at, y + 10.0), &words(figure), Style { align: Alignment::Right, ..style }, 57.0);
    }
    below + 2.0
}

/// A column for each part.
fn audience(pen: &mut Pen<'_>, surface: &mut Surface<'_>, y: f32, parts: &[Part]) {
    pen.line(surface, (MARGIN, y), "Audience", HEAD, WIDTH);
    let column = WIDTH / parts.len().max(1) as f32;
    for (index, part) in parts.iter().enumerate() {
        let (x, width) = (MARGIN + column * index as f32, column - 14.0);
        pen.line(surface, (x, y + 16.0), &part.name, Style { bold: true, ..SOFT }, width);
        match &part.shares {
            Err(reason) => pen.line(surface, (x, y + 30.0), reason.words(), SOFT, width),
            Ok(shares) => {
                for (nth, (name, percent)) in shares.iter().take(SHARES).enumerate() {
                    let y = y + 29.0 + 15.0 * nth as f32;
                    pen.line(surface, (x, y), name, SOFT, width - 34.0);
                    let right = Style { align: Alignment::Right, ..SOFT };
                    pen.line(surface, (x + width - 34.0, y), &words(Figure::Percent(*percent)), right, 34.0);
                    chart::bar(surface, Frame { x, y: y + 3.0, width, height: 2.5 }, *percent);
                }
            }
        }
    }
}

/// A figure in words.
fn words(figure: Figure) -> String {
    match figure {
        Figure::Number(value) => number(value),
        Figure::Percent(value) => format!("{} %", trimmed(value)),
        Figure::Missing(reason) => reason.words().to_owned(),
    }
}

/// A whole number with its thousands apart.
pub fn number(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut apart = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            apart.push(',');
        }
        apart.push(digit);
    }
    if value < 0.0 && digits != "0" { format!("−{apart}") } else { apart }
}

fn signed(value: f64) -> String {
    let size = if value.fract() == 0.0 { number(value.abs()) } else { trimmed(value.abs()) };
    match size.as_str() {
        "0" => "±0".to_owned(),
        _ if value < 0.0 => format!("−{size}"),
        _ => format!("+{size}"),
    }
}

/// At most two decimals, one above ten.
fn trimmed(value: f64) -> String {
    let text = if value.abs() >= 10.0 { format!("{value:.1}") } else { format!("{value:.2}") };
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn moment(at: &jiff::Zoned) -> String {
    at.strftime("%b %-d, %Y %H:%M %Z").to_string()
}

#[cfg(test)]
mod tests {
    use super::{Color, DOWN, INK_SOFT, UP, change, number, words};
    use crate::{Figure, KeyFigure, Reason};

    fn against(now: Figure, before: Figure) -> (String, Color) {
        change(&KeyFigure { name: "Views".to_owned(), now, before })
    }

    #[test]
    fn a_change_is_in_percent_of_what_was_and_of_a_rate_in_points() {
        assert_eq!(against(Figure::Number(150.0), Figure::Number(100.0)), ("+50 % (was 100)".to_owned(), UP));
        assert_eq!(against(Figure::Number(1_000.0), Figure::Number(3_000.0)), ("−66.7 % (was 3,000)".to_owned(), DOWN));
        assert_eq!(against(Figure::Percent(2.5), Figure::Percent(3.0)), ("−0.5 pts (was 3 %)".to_owned(), DOWN));
        assert_eq!(against(Figure::Number(7.0), Figure::Number(7.0)), ("±0 % (was 7)".to_owned(), INK_SOFT));
    }

    #[test]
    fn a_change_from_nothing_is_no_percentage() {
        assert_eq!(against(Figure::Number(1_234.0), Figure::Number(0.0)), ("+1,234 (was 0)".to_owned(), UP));
    }

    #[test]
    fn what_is_missing_is_said_and_is_no_zero() {
        assert_eq!(words(Figure::Missing(Reason::NotOffered)), "not offered");
        assert_eq!(against(Figure::Missing(Reason::Pending), Figure::Number(1.0)).0, "");
        let (text, _) = against(Figure::Number(1.0), Figure::Missing(Reason::NotMeasured));
        assert_eq!(text, "before: not measured");
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!([0.0, 999.0, 1_000.0, -1_234_567.0, -0.4].map(number), ["0", "999", "1,000", "−1,234,567", "0"]);
    }
}
