//! What works: groups of posts that did better or worse than the rest, by how much, and on how many posts that rests.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::totals::two_decimals;
use crate::publication::as_f64;

/// A group, and the posts that are not in it, must each have this many posts.
pub const LEAST: usize = 8;
/// The chance of saying one thing by luck among all that is said (Holm's method over all groups that are compared).
pub const ALPHA: f64 = 0.05;
/// A difference under a tenth is no advice.
pub const LEAST_EFFECT: f64 = 10.0;

/// A post as it is compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// What it came to: a rate, or a count where there is no rate. Not negative.
    pub figure: f64,
    /// What it is: (`mediaType`, `VIDEO`), (`hashtag`, `#coffee`), …
    pub traits: Vec<(&'static str, String)>,
}

/// A difference that is worth saying.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// By what the posts were told apart.
    pub dimension: &'static str,
    /// The group.
    pub value: String,
    /// By how many percent the group's geometric mean is above (or below) that of the others.
    pub effect: f64,
    /// Posts in the group.
    pub posts: usize,
    /// Posts that it was compared with.
    pub others: usize,
    /// How likely a difference like this is by chance, for this group alone.
    pub p: f64,
}

/// The groups that differ, the largest effect first. With too little it is empty.
///
/// Figures of posts are skewed, so their logarithms are compared (Welch's t-test), and what is told is the ratio of
/// geometric means.
#[must_use]
pub fn recommend(subjects: &[Subject]) -> Vec<Finding> {
    let mut groups: Vec<(&'static str, &str)> =
        subjects.iter().flat_map(|s| s.traits.iter().map(|(name, value)| (*name, value.as_str()))).collect();
    groups.sort_unstable();
    groups.dedup();
    let mut compared: Vec<Finding> = groups.into_iter().filter_map(|group| compare(subjects, group)).collect();
    // Holm: the smallest p must be under alpha / m, the next under alpha / (m - 1), and the first that is not ends it.
    compared.sort_by(|a, b| a.p.total_cmp(&b.p));
    let m = compared.len();
    let certain = compared.iter().enumerate().take_while(|(i, f)| f.p <= ALPHA / as_f64((m - i) as u64)).count();
    compared.truncate(certain);
    compared.retain(|finding| finding.effect.abs() >= LEAST_EFFECT);
    compared.sort_by(|a, b| b.effect.abs().total_cmp(&a.effect.abs()));
    compared
}

fn compare(subjects: &[Subject], (dimension, value): (&'static str, &str)) -> Option<Finding> {
    let is_in = |s: &&Subject| s.traits.iter().any(|(name, text)| *name == dimension && text == value);
    let logs = |subjects: Vec<&Subject>| -> Vec<f64> { subjects.iter().map(|s| s.figure.max(0.0).ln_1p()).collect() };
    let (group, rest): (Vec<&Subject>, Vec<&Subject>) = subjects.iter().partition(is_in);
    if group.len() < LEAST || rest.len() < LEAST {
        return None;
    }
    let (group, rest) = (logs(group), logs(rest));
    let p = welch(&group, &rest)?;
    let effect = ((mean(&group) - mean(&rest)).exp() - 1.0) * 100.0;
    Some(Finding {
        dimension,
        value: value.to_owned(),
        effect: two_decimals(effect),
        posts: group.len(),
        others: rest.len(),
        p,
    })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / as_f64(values.len() as u64)
}

/// The two-sided p of Welch's t-test; `None` where nothing varies, which no test can judge.
fn welch(a: &[f64], b: &[f64]) -> Option<f64> {
    // The variance of a mean, and its degrees of freedom.
    let of = |values: &[f64]| {
        let (n, m) = (as_f64(values.len() as u64), mean(values));
        let variance = values.iter().map(|v| (v - m).powi(2)).sum::<f64>() / (n - 1.0);
        (variance / n, n - 1.0)
    };
    let ((va, da), (vb, db)) = (of(a), of(b));
    let both = va + vb;
    if both <= f64::EPSILON {
        return None;
    }
    let t = (mean(a) - mean(b)) / both.sqrt();
    let freedom = both.powi(2) / (va.powi(2) / da + vb.powi(2) / db);
    let student = StudentsT::new(0.0, 1.0, freedom).ok()?;
    Some((2.0 * student.sf(t.abs())).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subjects(kind: &str, figures: &[f64]) -> Vec<Subject> {
        let of = |figure: &f64| Subject { figure: *figure, traits: vec![("mediaType", kind.to_owned())] };
        figures.iter().map(of).collect()
    }

    #[test]
    fn welchs_test_is_the_one_of_the_textbook() {
        // Computed apart from this code by the definition, its integral by Simpson: t = -2.85295, 27.8873 degrees of freedom.
        let a = [27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4];
        let b = [27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 30.5, 24.4];
        assert!((welch(&a, &b).unwrap() - WELCH_P).abs() < 1e-6, "{:?}", welch(&a, &b));
        assert_eq!(welch(&[1.0; 9], &[1.0; 9]), None);
    }

    const WELCH_P: f64 = 0.008_071_938;

    #[test]
    fn a_clear_difference_is_told_with_its_size_and_its_numbers() {
        let videos = [8.0, 9.0, 7.5, 8.5, 9.5, 8.0, 8.2, 9.1];
        let images = [3.0, 2.5, 3.5, 2.0, 3.1, 2.8, 2.9, 3.3, 3.0, 2.6];
        let found = recommend(&[subjects("VIDEO", &videos), subjects("IMAGE", &images)].concat());
        let said: Vec<_> = found.iter().map(|f| (f.value.as_str(), f.posts, f.others, f.effect > 0.0)).collect();
        assert_eq!(said, [("VIDEO", 8, 10, true), ("IMAGE", 10, 8, false)]);
        // The geometric mean of 1 + figure: 9.45 and 3.85, so 145 % above.
        assert!((found[0].effect - 145.0).abs() < 2.0 && found[0].p < 0.001, "{found:?}");
    }

    #[test]
    fn too_little_or_no_difference_is_silence() {
        let seven = recommend(&[subjects("VIDEO", &[9.0; 7]), subjects("IMAGE", &[1.0; 30])].concat());
        assert_eq!(seven, []);
        let noise = [3.0, 2.5, 3.5, 2.0, 3.1, 2.8, 2.9, 3.3, 3.0, 2.6];
        assert_eq!(recommend(&[subjects("VIDEO", &noise), subjects("IMAGE", &noise)].concat()), []);
        assert_eq!(recommend(&[]), []);
        // Twenty groups of noise: one in twenty would be "significant" without Holm.
        let mut many = Vec::new();
        for n in 0..400_u32 {
            let figure = f64::from(n.wrapping_mul(2_654_435_761) % 1_000) / 100.0;
            many.push(Subject { figure, traits: vec![("hashtag", format!("#{}", n % 20))] });
        }
        assert_eq!(recommend(&many), []);
    }
}
