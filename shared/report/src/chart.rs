//! The chart of a course.

use jiff::civil::Date;
use krilla::geom::{PathBuilder, Rect};
use krilla::num::NormalizedF32;
use krilla::paint::{Fill, FillRule, Stroke};
use krilla::surface::Surface;
use parley::layout::Alignment;

use crate::page::{ACCENT, FAINT, INK_SOFT, number};
use crate::text::{Color, Pen, Style};

/// Where a chart stands.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    pub x: f32,
    pub y: f32,
    pub width: f32,
    pub height: f32,
}

const LABEL: Style = Style { size: 7.0, bold: false, color: INK_SOFT, align: Alignment::End };
/// How much of the width the values' labels take.
const LABELS: f32 = 46.0;

/// Draws a course of days. A day without a figure interrupts the line, so that nothing is shown that nobody saw.
pub fn course(pen: &mut Pen<'_>, surface: &mut Surface<'_>, frame: Frame, points: &[(Date, Option<f64>)]) {
    let known: Vec<f64> = points.iter().filter_map(|(_, value)| *value).collect();
    let (Some(least), Some(most)) = (known.iter().copied().reduce(f64::min), known.iter().copied().reduce(f64::max))
    else {
        let style = Style { align: Alignment::Center, size: 9.0, ..LABEL };
        let at = (frame.x, frame.y + frame.height / 2.0);
        return pen.line(surface, at, "No follower count was seen in these days.", style, frame.width);
    };
    let ticks = ticks(least, most);
    let (low, high) = (ticks[0], ticks[ticks.len() - 1]);
    let left = frame.x + LABELS;
    let across = |index: usize| {
        let steps = points.len().saturating_sub(1).max(1);
        left + (frame.width - LABELS) * (index as f32 / steps as f32)
    };
    let up = |value: f64| frame.y + frame.height * (1.0 - ((value - low) / (high - low)) as f32);
    for tick in &ticks {
        let y = up(*tick);
        rule(surface, (left, y), (frame.x + frame.width, y), 0.5);
        pen.line(surface, (frame.x, y + 2.5), &number(*tick), LABEL, LABELS - 6.0);
    }
    let shown = if points.len() < 5 { points.len() } else { 5 };
    for label in 0..shown {
        let index = if shown == 1 { 0 } else { label * (points.len() - 1) / (shown - 1) };
        // The outer ones stay inside the frame.
        let (shift, align) = match label {
            0 => (0.0, Alignment::Left),
            last if last + 1 == shown => (-80.0, Alignment::Right),
            _ => (-40.0, Alignment::Center),
        };
        let at = (across(index) + shift, frame.y + frame.height + 11.0);
        pen.line(surface, at, &points[index].0.strftime("%b %-d, %Y").to_string(), Style { align, ..LABEL }, 80.0);
    }
    surface.set_fill(None);
    surface.set_stroke(Some(Stroke { paint: ACCENT.paint(), width: 1.5, ..Stroke::default() }));
    for run in runs(points) {
        if let [(index, value)] = run[..] {
            dot(surface, (across(index), up(value)));
            continue;
        }
        let mut line = PathBuilder::new();
        for (nth, (index, value)) in run.into_iter().enumerate() {
            let (x, y) = (across(index), up(value));
            if nth == 0 { line.move_to(x, y) } else { line.line_to(x, y) }
        }
        if let Some(line) = line.finish() {
            surface.draw_path(&line);
        }
    }
    surface.set_stroke(None);
}

/// Draws a bar for a share in percent.
pub fn bar(surface: &mut Surface<'_>, frame: Frame, percent: f64) {
    let mut fill = |width: f32, color: Color| {
        let Some(rect) = Rect::from_xywh(frame.x, frame.y, width, frame.height) else { return };
        let mut path = PathBuilder::new();
        path.push_rect(rect);
        surface.set_stroke(None);
        surface.set_fill(Some(Fill { paint: color.paint(), opacity: NormalizedF32::ONE, rule: FillRule::NonZero }));
        if let Some(path) = path.finish() {
            surface.draw_path(&path);
        }
    };
    fill(frame.width, FAINT);
    fill(frame.width * (percent.clamp(0.0, 100.0) / 100.0) as f32, ACCENT);
}

/// Draws a thin line.
pub fn rule(surface: &mut Surface<'_>, from: (f32, f32), to: (f32, f32), width: f32) {
    let mut line = PathBuilder::new();
    line.move_to(from.0, from.1);
    line.line_to(to.0, to.1);
    surface.set_fill(None);
    surface.set_stroke(Some(Stroke { paint: FAINT.paint(), width, ..Stroke::default() }));
    if let Some(line) = line.finish() {
        surface.draw_path(&line);
    }
    surface.set_stroke(None);
}

/// A day between two gaps.
fn dot(surface: &mut Surface<'_>, at: (f32, f32)) {
    let mut path = PathBuilder::new();
    if let Some(rect) = Rect::from_xywh(at.0 - 1.0, at.1 - 1.0, 2.0, 2.0) {
        path.push_rect(rect);
    }
    if let Some(path) = path.finish() {
        surface.draw_path(&path);
    }
}

/// The days that follow each other without a gap, with their places.
fn runs(points: &[(Date, Option<f64>)]) -> Vec<Vec<(usize, f64)>> {
    let mut runs = vec![Vec::new()];
    for (index, (_, value)) in points.iter().enumerate() {
        match (value, runs.last_mut()) {
            (Some(value), Some(run)) => run.push((index, *value)),
            _ => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

/// Round values that enclose two others, 3 to 6 of them.
fn ticks(least: f64, most: f64) -> Vec<f64> {
    let span = if most > least { most - least } else { 4.0 };
    let rough = span / 4.0;
    let power = 10_f64.powf(rough.log10().floor());
    // Followers are whole.
    let step =
        [1.0, 2.0, 5.0, 10.0].into_iter().map(|by| by * power).find(|step| *step >= rough).unwrap_or(rough).max(1.0);
    let low = (least / step).floor() * step;
    let mut ticks = vec![low, low + step];
    while ticks.last().is_some_and(|last| *last < most) {
        ticks.push(low + step * ticks.len() as f64);
    }
    ticks
}

#[cfg(test)]
mod tests {
    use super::{runs, ticks};
    use jiff::civil::date;

    #[test]
    fn ticks_are_round_and_enclose_the_values() {
        assert_eq!(ticks(0.0, 100.0), [0.0, 50.0, 100.0]);
        assert_eq!(ticks(1_234.0, 1_301.0), [1_220.0, 1_240.0, 1_260.0, 1_280.0, 1_300.0, 1_320.0]);
        assert_eq!(ticks(7.0, 7.0), [7.0, 8.0]);
        assert_eq!(ticks(0.0, 1.0), [0.0, 1.0]);
    }

    #[test]
    fn a_day_without_a_figure_interrupts_the_line() {
        let day = |n| date(2026, 3, n);
        let points = [(day(1), Some(1.0)), (day(2), None), (day(3), None), (day(4), Some(2.0)), (day(5), Some(3.0))];
        assert_eq!(runs(&points), [vec![(0, 1.0)], vec![(3, 2.0), (4, 3.0)]]);
        assert!(runs(&[(day(1), None)]).is_empty());
    }
}
