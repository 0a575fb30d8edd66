//! The PDF report, read by a program that did not write it.

mod analytics_support;

use std::process::{Command, Stdio};

use analytics_support::{hand_over, pass, staff, sweep};
use herald_tests::client::Client;
use herald_tests::process::Result;
use herald_tests::stack::Stack;
use serde_json::json;

const DAY: i64 = 24 * 3_600;

/// A report as text, page by page; `None`, loudly, where there is nothing to make or to read it with.
async fn report(client: &Client, path: &str) -> Result<Option<Vec<String>>> {
    let fonts = concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/fonts/layer/fonts");
    if !std::path::Path::new(fonts).exists() {
        let refused = client.get(path).await?.expect(503);
        assert!(refused.text.contains("fonts"), "{}", refused.text);
        println!("SKIPPED: the PDF report: its fonts are not there (scripts/build-fonts.sh makes them)");
        return Ok(None);
    }
    let answer = client.get(path).await?.expect(200).bytes;
    assert!(answer.starts_with(b"%PDF-1."), "{}", String::from_utf8_lossy(&answer));
    let reader = Command::new("pdftotext")
        .args(["-layout", "-enc", "UTF-8", "-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut reader) = reader else {
        println!("SKIPPED: reading the PDF report: pdftotext (poppler-utils) is not there");
        return Ok(None);
    };
    let mut input = reader.stdin.take().ok_or("no input")?;
    let writing = std::thread::spawn(move || std::io::Write::write_all(&mut input, &answer));
    let read = reader.wait_with_output()?;
    writing.join().map_err(|_| "writing ended")??;
    assert!(read.status.success());
    // A page ends in a form feed.
    let text = String::from_utf8(read.stdout)?;
    Ok(Some(text.trim_end_matches('\u{c}').split('\u{c}').map(str::to_owned).collect()))
}

/// Text without its spaces, of which a page has more or fewer than what it shows.
fn squeezed(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

fn thousands(value: u64) -> String {
    let digits = value.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

#[tokio::test]
async fn a_page_for_each_platform_says_what_the_routes_say() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = staff(&stack).await?;
    let id = hand_over(&stack, &admin, "INSTAGRAM", "growing").await?;
    hand_over(&stack, &admin, "MASTODON", "growing@mastodon.example").await?;
    for _ in 0..3 {
        sweep(&stack).await?;
        pass(&stack, &admin, &id, DAY).await?;
    }
    let path = "/api/admin/talent/ann/analytics/export?format=pdf";
    let Some(pages) = report(&admin, path).await? else { return Ok(()) };
    let [instagram, mastodon] = &pages[..] else { return Err(format!("{} pages", pages.len()).into()) };
    assert!(instagram.contains("Instagram") && instagram.contains("growing · figures as of"), "{instagram}");
    assert!(mastodon.contains("Mastodon") && mastodon.contains("growing@mastodon.example"), "{mastodon}");
    assert!(squeezed(mastodon).contains("2/2"), "{mastodon}");

    for (page, platform) in [(instagram, "instagram"), (mastodon, "mastodon")] {
        let range = admin.get(&format!("/api/admin/talent/ann/analytics?platform={platform}")).await?.expect(200).body;
        for figure in ["followers", "likes", "comments"] {
            let sum = range["data"]["totals"][figure].as_f64().ok_or("no sum")?;
            assert!(page.contains(&thousands(sum as u64)), "{platform} {figure} {sum}: {page}");
        }
        // The best post, with its caption as it was written.
        let from = range["data"]["startDate"].as_str().ok_or("no beginning of the range")?;
        let posts = admin.get(&format!("/api/admin/talent/ann/analytics/posts?platform={platform}&limit=100")).await?;
        let posts = posts.expect(200).body["publications"].as_array().cloned().unwrap_or_default();
        let best = posts
            .iter()
            .filter(|post| post["postedAt"].as_str().unwrap_or_default() >= from)
            .max_by_key(|post| post["engagement"].as_u64().or(post["likes"].as_u64()))
            .ok_or("no post")?;
        let caption = best["caption"].as_str().unwrap_or_default();
        let begins: String = squeezed(caption).chars().take(30).collect();
        assert!(!caption.is_empty() && squeezed(page).contains(&begins), "{caption}: {page}");
    }
    // What Mastodon does not tell is not zero.
    assert!(mastodon.contains("not offered"), "{mastodon}");
    assert!(instagram.contains("25-34") && instagram.contains("Countries"), "{instagram}");
    Ok(())
}

#[tokio::test]
async fn without_accounts_the_report_says_that_there_were_none() -> Result<()> {
    let stack = Stack::start().await?;
    let admin = staff(&stack).await?;
    let Some(pages) = report(&admin, "/api/admin/talent/ann/analytics/export?format=pdf").await? else { return Ok(()) };
    assert_eq!(pages.len(), 1);
    assert!(pages[0].contains("No account was connected"), "{}", pages[0]);
    let refused = admin.get("/api/admin/talent/nobody/analytics/export?format=pdf").await?.expect(404);
    assert_eq!(refused.body["code"], json!("talent_not_found"));
    let refused = admin.get("/api/admin/talent/ann/analytics/export?format=doc").await?.expect(400);
    assert!(refused.text.contains("format must be csv or pdf"), "{}", refused.text);
    Ok(())
}
