//! The document: its pages and what is said of it.

use krilla::Document;
use krilla::metadata::{DateTime, Metadata};
use krilla::page::PageSettings;

use crate::text::Pen;
use crate::{Error, Fonts, Report, page};

/// Writes a report. Two of the same report are the same bytes.
///
/// # Errors
/// [`Error::Document`] when a font cannot be put into it.
pub fn render(report: &Report, fonts: &mut Fonts) -> Result<Vec<u8>, Error> {
    let mut pen = Pen::new(fonts);
    let mut document = Document::new();
    let pages = report.platforms.len().max(1);
    for index in 0..pages {
        let size = PageSettings::from_wh(page::SIZE.0, page::SIZE.1);
        let mut sheet = document.start_page_with(size.ok_or_else(|| Error::Document("no page".to_owned()))?);
        let mut surface = sheet.surface();
        match report.platforms.get(index) {
            Some(platform) => page::draw(&mut pen, &mut surface, report, platform),
            None => page::empty(&mut pen, &mut surface, report),
        }
        page::foot(&mut pen, &mut surface, report, index + 1, pages);
        surface.finish();
        sheet.finish();
    }
    let made = report.made_at.with_time_zone(jiff::tz::TimeZone::UTC);
    let whole = |part: i8| u8::try_from(part).unwrap_or_default();
    let created = DateTime::new(u16::try_from(made.year()).unwrap_or_default())
        .month(whole(made.month()))
        .day(whole(made.day()))
        .hour(whole(made.hour()))
        .minute(whole(made.minute()))
        .second(whole(made.second()))
        .utc_offset_hour(0)
        .utc_offset_minute(0);
    let title = format!("{}: {} to {}", report.talent, report.days.0, report.days.1);
    document.set_metadata(
        Metadata::new().title(title).creator("Herald".to_owned()).creation_date(created).language("en".to_owned()),
    );
    document.finish().map_err(|error| Error::Document(format!("{error:?}")))
}
