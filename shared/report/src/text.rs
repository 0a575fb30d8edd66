//! Text: shaped, broken into lines and drawn in as many scripts as it has.

use std::borrow::Cow;
use std::collections::HashMap;

use krilla::color::rgb;
use krilla::geom::Point;
use krilla::num::NormalizedF32;
use krilla::paint::{Fill, FillRule, Paint};
use krilla::surface::Surface;
use krilla::text::{Font, GlyphId, KrillaGlyph};
use parley::Layout;
use parley::layout::{Alignment, AlignmentOptions};
use parley::style::{FontFamily, FontFamilyName, FontWeight, LineHeight, OverflowWrap, StyleProperty};
use unicode_segmentation::UnicodeSegmentation;

use crate::fonts::{EMOJI, FAMILIES, Fonts};

/// Japanese and Chinese share characters that each draws in its own way.
const CHINESE: &str = "Noto Sans SC";
const JAPANESE: &str = "Noto Sans JP";

/// A colour, as red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color(pub u8, pub u8, pub u8);

impl Color {
    /// To draw with.
    pub fn paint(self) -> Paint {
        rgb::Color::new(self.0, self.1, self.2).into()
    }
}

/// How text looks.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// In points.
    pub size: f32,
    /// Heavy.
    pub bold: bool,
    /// Of the glyphs; those with colours of their own keep them.
    pub color: Color,
    /// Where lines stand in their width.
    pub align: Alignment,
}

/// Text that is laid out and not drawn yet.
pub struct Block {
    text: String,
    layout: Layout<()>,
    style: Style,
}

/// Draws text. A font is put into the document once.
pub struct Pen<'f> {
    fonts: &'f mut Fonts,
    embedded: HashMap<(u64, u32), Font>,
}

impl<'f> Pen<'f> {
    pub fn new(fonts: &'f mut Fonts) -> Self {
        Self { fonts, embedded: HashMap::new() }
    }

    /// Lays text out in lines of at most `width`. What does not fit into `lines` of them ends in an ellipsis.
    pub fn block(&mut self, text: &str, style: Style, width: f32, lines: usize) -> Block {
        let text = plain(text);
        let layout = self.layout(&text, style, width);
        let Some(last) = layout.get(lines.saturating_sub(1)).filter(|_| layout.len() > lines) else {
            return Block { text, layout, style };
        };
        // What is left of the last line gives way to the ellipsis, a whole character at a time.
        let mut kept = text[..last.text_range().end].to_owned();
        loop {
            let cut = kept.grapheme_indices(true).next_back().map_or(0, |(at, _)| at);
            kept.truncate(cut);
            kept.truncate(kept.trim_end().len());
            let shortened = format!("{kept}…");
            let layout = self.layout(&shortened, style, width);
            if layout.len() <= lines || kept.is_empty() {
                return Block { text: shortened, layout, style };
            }
        }
    }

    /// Draws one line that begins at `x` with its baseline at `y`, in at most `width`.
    pub fn line(&mut self, surface: &mut Surface<'_>, at: (f32, f32), text: &str, style: Style, width: f32) {
        let block = self.block(text, style, width, 1);
        let baseline = block.layout.first_baseline().unwrap_or(0.0);
        self.draw(surface, (at.0, at.1 - baseline), &block);
    }

    /// Draws a block with its upper left corner at `at`.
    pub fn draw(&mut self, surface: &mut Surface<'_>, at: (f32, f32), block: &Block) {
        let paint = block.style.color.paint();
        surface.set_stroke(None);
        surface.set_fill(Some(Fill { paint, opacity: NormalizedF32::ONE, rule: FillRule::NonZero }));
        for line in block.layout.lines() {
            let y = at.1 + line.metrics().baseline;
            let mut x = at.0 + line.metrics().offset;
            for run in line.runs() {
                let (size, begin) = (run.font_size(), x);
                let mut glyphs: Vec<KrillaGlyph> = Vec::new();
                for cluster in run.visual_clusters() {
                    if cluster.is_ligature_continuation() {
                        // Its glyph is the one before; its text has to be found with it.
                        if let Some(glyph) = glyphs.last_mut() {
                            let range = cluster.text_range();
                            glyph.text_range =
                                glyph.text_range.start.min(range.start)..glyph.text_range.end.max(range.end);
                        }
                        continue;
                    }
                    for glyph in cluster.glyphs() {
                        glyphs.push(KrillaGlyph::new(
                            GlyphId::new(glyph.id),
                            glyph.advance / size,
                            glyph.x / size,
                            glyph.y / size,
                            0.0,
                            cluster.text_range(),
                            None,
                        ));
                        x += glyph.advance;
                    }
                }
                if let Some(font) = self.font(run.font()) {
                    surface.draw_glyphs(Point::from_xy(begin, y), &glyphs, font, &block.text, size, false);
                }
            }
        }
    }

    fn font(&mut self, of: &parley::FontData) -> Option<Font> {
        let (data, id) = of.data.clone().into_raw_parts();
        let known = self.embedded.entry((id, of.index));
        match known {
            std::collections::hash_map::Entry::Occupied(font) => Some(font.get().clone()),
            std::collections::hash_map::Entry::Vacant(place) => {
                Some(place.insert(Font::new(data.into(), of.index)?).clone())
            }
        }
    }

    fn layout(&mut self, text: &str, style: Style, width: f32) -> Layout<()> {
        let Fonts { context, layouts } = &mut *self.fonts;
        let mut builder = layouts.ranged_builder(context, text, 1.0, false);
        builder.push_default(StyleProperty::FontFamily(FontFamily::List(families(text).into())));
        builder.push_default(StyleProperty::FontSize(style.size));
        builder.push_default(StyleProperty::LineHeight(LineHeight::FontSizeRelative(1.35)));
        builder.push_default(StyleProperty::OverflowWrap(OverflowWrap::Anywhere));
        if style.bold {
            builder.push_default(StyleProperty::FontWeight(FontWeight::BOLD));
        }
        // The digit of a keycap would be drawn as text, and its cap apart from it.
        for (at, keycap) in text.grapheme_indices(true).filter(|(_, cluster)| cluster.ends_with('\u{20e3}')) {
            builder.push(
                StyleProperty::FontFamily(FontFamilyName::Named(Cow::Borrowed(EMOJI)).into()),
                at..at + keycap.len(),
            );
        }
        let mut layout = builder.build(text);
        layout.break_all_lines(Some(width));
        layout.align(style.align, AlignmentOptions::default());
        layout
    }
}

impl Block {
    /// How high it is.
    pub fn height(&self) -> f32 {
        self.layout.height()
    }
}

#[cfg(test)]
impl Block {
    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn width(&self) -> f32 {
        self.layout.width()
    }

    /// How many glyphs take room.
    pub fn glyphs(&self) -> usize {
        self.clusters().map(|cluster| cluster.glyphs().filter(|glyph| glyph.advance > 0.0).count()).sum()
    }

    /// What no font has.
    pub fn missing(&self) -> Vec<&str> {
        let without = self.clusters().filter(|cluster| cluster.glyphs().any(|glyph| glyph.id == 0));
        without.map(|cluster| &self.text[cluster.text_range()]).collect()
    }

    fn clusters(&self) -> impl Iterator<Item = parley::layout::Cluster<'_, ()>> {
        self.layout
            .lines()
            .flat_map(|line| line.runs().flat_map(|run| run.clusters().collect::<Vec<_>>()).collect::<Vec<_>>())
    }
}

/// The families in the order for this text: with kana in it, its ideographs are Japanese.
fn families(text: &str) -> Vec<FontFamilyName<'static>> {
    let japanese =
        text.chars().any(|c| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{ff66}'..='\u{ff9f}'));
    let names = FAMILIES.into_iter().map(|family| match family {
        CHINESE if japanese => JAPANESE,
        JAPANESE if japanese => CHINESE,
        family => family,
    });
    names.map(|name| FontFamilyName::Named(Cow::Borrowed(name))).collect()
}

/// Text as one paragraph: line ends and other controls are spaces, and one is enough.
fn plain(text: &str) -> String {
    let spaced: String =
        text.chars().map(|c| if c.is_control() || c == '\u{2028}' || c == '\u{2029}' { ' ' } else { c }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}
