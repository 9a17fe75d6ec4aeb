//! How sure a share is that rests on a sample: its bounds, nineteen times out of twenty.

use super::words::{least_percent, most_percent};

/// Between which shares the truth lies where `hits` of `of` drawn at random are so. Nought of n is at most 3/n (the
/// rule of three), all of n at least the rest; between them by Wilson's interval. Nothing drawn tells nothing.
#[must_use]
pub fn share(hits: u64, of: u64) -> (f64, f64) {
    within(hits.min(of) as f64, of as f64)
}

/// The same of samples that stand for unequal numbers of requests: `inside` and `all` are sums of their weights,
/// `squares` that of the weights' squares. As few as they are worth alike (Kish's effective size): one heavy sample
/// among many light ones tells as little as one.
#[must_use]
pub fn weighted_share(inside: f64, all: f64, squares: f64) -> (f64, f64) {
    if all <= 0.0 || squares <= 0.0 {
        return (0.0, 1.0);
    }
    let worth = all * all / squares;
    within(inside / all * worth, worth)
}

fn within(hits: f64, n: f64) -> (f64, f64) {
    /// Standard deviations on either side that hold nineteen of twenty.
    const Z: f64 = 1.96;
    if n <= 0.0 {
        return (0.0, 1.0);
    }
    let edge = (3.0 / n).min(1.0);
    if hits <= 0.0 {
        return (0.0, edge);
    }
    if hits >= n {
        return (1.0 - edge, 1.0);
    }
    let (p, zz) = (hits / n, Z * Z);
    let middle = p + zz / (2.0 * n);
    let half = Z * (p * (1.0 - p) / n + zz / (4.0 * n * n)).sqrt();
    let scale = 1.0 + zz / n;
    (((middle - half) / scale).max(0.0), ((middle + half) / scale).min(1.0))
}

/// `at most 25 %`, `between 12 % and 31 %`: what a sample of so few says. `None` where it is as good as exact.
#[must_use]
pub fn words(hits: u64, of: u64) -> Option<String> {
    words_of(share(hits, of))
}

/// The same of bounds.
#[must_use]
pub fn words_of((low, high): (f64, f64)) -> Option<String> {
    /// Width below which bounds tell a reader nothing.
    const NARROW: f64 = 0.05;
    if high - low <= NARROW {
        return None;
    }
    let (least, most) = (least_percent(low), most_percent(high));
    Some(match (low <= 0.0, high >= 1.0) {
        (true, true) => "any share is possible".to_owned(),
        (true, false) => format!("at most {most}"),
        (false, true) => format!("at least {least}"),
        (false, false) => format!("between {least} and {most}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heavy_samples_tell_less_than_as_many_alike() {
        let alike = weighted_share(30.0, 100.0, 100.0);
        assert_eq!(alike, share(30, 100));
        assert_eq!(weighted_share(60.0, 200.0, 400.0), alike, "all twice as heavy");
        // Thirty weigh as much as seventy: the share is a half, and so it lies within.
        let (low, high) = weighted_share(70.0, 140.0, 30.0 * (7.0f64 / 3.0).powi(2) + 70.0);
        assert!(low < 0.42 && high > 0.58 && high - low > alike.1 - alike.0, "{low} to {high}");
        assert_eq!(weighted_share(0.0, 0.0, 0.0), (0.0, 1.0));
        assert_eq!(weighted_share(0.0, 60.0, 60.0), (0.0, 0.05), "3/n");
    }

    #[test]
    fn few_tell_little_and_many_tell_much() {
        assert_eq!(words(0, 12).as_deref(), Some("at most 25 %"));
        assert_eq!(words(1, 1).as_deref(), Some("any share is possible"));
        assert_eq!(words(0, 0).as_deref(), Some("any share is possible"));
        assert_eq!(words(5, 10).as_deref(), Some("between 23 % and 77 %"));
        assert_eq!(words(0, 300), None);
        for of in 1..200u64 {
            for hits in 0..=of {
                let (low, high) = share(hits, of);
                let seen = hits as f64 / of as f64;
                assert!(low <= seen + 1e-9 && seen <= high + 1e-9, "{hits} of {of}: {low} to {high}");
            }
        }
    }
}
