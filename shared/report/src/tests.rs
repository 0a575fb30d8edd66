use std::path::PathBuf;

use jiff::civil::{Date, date};
use parley::layout::Alignment;

use crate::text::{Color, Pen, Style};
use crate::{Figure, Fonts, KeyFigure, Part, Platform, Post, Reason, Report, render};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What the fonts have to cover, a caption a script.
const CAPTIONS: [&str; 16] = [
    "Baked a pie before sunrise 🥧🔥 — crème brûlée next? 👩‍🍳👍🏽 #baking",
    "Привет, мир! Новый рецепт уже в блоге",
    "Γειά σου Κόσμε, μια νέα συνταγή",
    "مرحبا بالعالم، وصفة جديدة اليوم 🍰",
    "שלום עולם, מתכון חדש היום",
    "नमस्ते दुनिया, आज की नई रेसिपी",
    "হ্যালো বিশ্ব, আজকের নতুন রেসিপি",
    "வணக்கம் உலகம், இன்றைய புதிய சமையல்",
    "สวัสดีชาวโลก สูตรใหม่วันนี้",
    "Բարեւ աշխարհ, նոր բաղադրատոմս",
    "გამარჯობა მსოფლიო, ახალი რეცეპტი",
    "你好，世界！今天的新食谱",
    "こんにちは世界、今日の新しいレシピ",
    "안녕하세요 세계, 오늘의 새 레시피",
    "Xin chào thế giới, công thức mới",
    "★ ✔ ➜ ♥ ∑ ≠ 🇧🇷 🏳️‍🌈 1️⃣",
];

fn fonts() -> Result<Option<Fonts>> {
    let directory = std::env::var_os("HERALD_FONTS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/fonts/layer/fonts")),
        PathBuf::from,
    );
    if !directory.exists() {
        println!("SKIPPED: the PDF report: {} is not there (scripts/build-fonts.sh makes it)", directory.display());
        return Ok(None);
    }
    Ok(Some(Fonts::in_directory(&directory)?))
}

fn day(n: i8) -> Date {
    date(2026, 3, n)
}

fn key(name: &str, now: Figure, before: Figure) -> KeyFigure {
    KeyFigure { name: name.to_owned(), now, before }
}

fn sample() -> Result<Report> {
    let post = |caption: &str, n: i8| Post {
        caption: caption.to_owned(),
        day: day(n),
        kind: "Video".to_owned(),
        views: Figure::Number(12_345.0),
        engagement: if n == 3 { Figure::Missing(Reason::Pending) } else { Figure::Number(1_024.0) },
        rate: if n == 2 { Figure::Missing(Reason::NotOffered) } else { Figure::Percent(8.29) },
        url: Some("https://example.com/p/3kabcd".to_owned()),
    };
    let countries = [("BR", 41.5), ("US", 22.0), ("DE", 11.25), ("IN", 8.0), ("JP", 3.0)];
    let shares = |all: &[(&str, f64)]| Ok(all.iter().map(|(name, percent)| ((*name).to_owned(), *percent)).collect());
    let platform = |name: &str, captions: &[&str]| Platform {
        name: name.to_owned(),
        handles: vec!["@annbakes".to_owned(), "@ann_und_die_küche".to_owned()],
        as_of: Some("2026-03-31T18:00:00-03:00[America/Sao_Paulo]".parse().unwrap_or_default()),
        figures: vec![
            key("Followers", Figure::Number(1_284_301.0), Figure::Number(1_201_000.0)),
            key("Impressions", Figure::Missing(Reason::NotOffered), Figure::Missing(Reason::NotOffered)),
            key("Views", Figure::Number(310_554.0), Figure::Number(402_000.0)),
            key("Engagement", Figure::Number(20_480.0), Figure::Number(0.0)),
            key("Engagement rate", Figure::Percent(6.59), Figure::Percent(5.1)),
            key("Reach", Figure::Missing(Reason::Pending), Figure::Number(3.0)),
            key("Posts", Figure::Number(16.0), Figure::Number(16.0)),
            key("Saves", Figure::Number(7.0), Figure::Missing(Reason::NotMeasured)),
        ],
        followers: (1..=31)
            .map(|n| (day(n), (!(11..=13).contains(&n)).then(|| 1_201_000.0 + f64::from(n) * 2_687.0)))
            .collect(),
        posts: captions.iter().zip(1..).map(|(caption, n)| post(caption, n)).collect(),
        post_count: 16,
        audience: vec![
            Part { name: "Countries".to_owned(), shares: shares(&countries) },
            Part { name: "Age".to_owned(), shares: shares(&[("18-24", 35.0), ("25-34", 44.4), ("35-44", 20.6)]) },
            Part { name: "Gender".to_owned(), shares: Err(Reason::NotOffered) },
            Part { name: "Cities".to_owned(), shares: Err(Reason::Pending) },
        ],
    };
    Ok(Report {
        talent: "Ann Bäcker 🥐 アン".to_owned(),
        days: (day(1), day(31)),
        zone: "America/Sao_Paulo".to_owned(),
        made_at: "2026-04-01T09:30:00-03:00[America/Sao_Paulo]".parse()?,
        platforms: CAPTIONS
            .chunks(5)
            .zip(["Instagram", "YouTube", "TikTok", "Bluesky"])
            .map(|(c, n)| platform(n, c))
            .collect(),
    })
}

#[test]
fn a_report_has_a_page_for_each_platform_and_is_small() -> Result<()> {
    let Some(mut fonts) = fonts()? else { return Ok(()) };
    let pdf = render(&sample()?, &mut fonts)?;
    assert!(pdf.starts_with(b"%PDF-1."));
    if let Some(path) = std::env::var_os("HERALD_SAMPLE_REPORT") {
        std::fs::write(path, &pdf)?;
    }
    // A function answers with 6 MB at most, and this has every font in it.
    assert!(pdf.len() < 2_000_000, "{} bytes", pdf.len());
    assert_eq!(render(&sample()?, &mut fonts)?, pdf, "the same report is the same bytes");
    Ok(())
}

#[test]
fn no_character_of_what_people_write_is_lost() -> Result<()> {
    let Some(mut fonts) = fonts()? else { return Ok(()) };
    let mut pen = Pen::new(&mut fonts);
    let style = Style { size: 9.0, bold: false, color: Color(0, 0, 0), align: Alignment::Start };
    for caption in CAPTIONS {
        let block = pen.block(caption, style, 400.0, 3);
        assert_eq!(block.missing(), [""; 0], "{caption}");
        assert_eq!(block.text(), caption);
    }
    // A character that no font has is an empty box in its place. This is Linear B.
    assert_eq!(pen.block("a 𐀀 b", style, 400.0, 1).missing(), ["𐀀"]);
    // One emoji, one glyph of one font.
    for emoji in ["👩‍🍳", "🇧🇷", "🏳️‍🌈", "1️⃣", "👍🏽"] {
        assert_eq!(pen.block(emoji, style, 400.0, 1).glyphs(), 1, "{emoji}");
    }
    Ok(())
}

#[test]
fn what_does_not_fit_ends_in_an_ellipsis_between_two_characters() -> Result<()> {
    let Some(mut fonts) = fonts()? else { return Ok(()) };
    let mut pen = Pen::new(&mut fonts);
    let style = Style { size: 9.0, bold: false, color: Color(0, 0, 0), align: Alignment::Start };
    let family = "👩‍👩‍👧‍👦";
    let block = pen.block(&family.repeat(40), style, 100.0, 2);
    let kept = block.text().strip_suffix('…').ok_or("no ellipsis")?;
    assert!(!kept.is_empty() && kept.len().is_multiple_of(family.len()), "{kept}");
    assert_eq!(pen.block("line one\nline\ttwo\u{0}", style, 400.0, 1).text(), "line one line two");
    assert_eq!(pen.block("", style, 400.0, 1).text(), "");
    // A word that is wider than its column is broken, and nothing of it leaves the column.
    assert!(pen.block(&"W".repeat(500), style, 100.0, 3).width() <= 100.0);
    Ok(())
}

#[test]
fn a_report_without_accounts_says_so() -> Result<()> {
    let Some(mut fonts) = fonts()? else { return Ok(()) };
    let pdf = render(&Report { platforms: Vec::new(), ..sample()? }, &mut fonts)?;
    assert!(pdf.starts_with(b"%PDF-1."));
    Ok(())
}

#[test]
fn fonts_that_are_not_there_are_an_error_that_names_the_place() -> Result<()> {
    let empty = tempfile::tempdir()?;
    let error = Fonts::in_directory(empty.path()).map(|_| ()).err().ok_or("fonts out of nothing")?;
    assert!(error.to_string().contains(&empty.path().display().to_string()), "{error}");
    Ok(())
}
