//! What minutes before tell: how many of them count, and their middle. Plain arithmetic: knows neither stages nor
//! attacks.

/// The minutes before an attack that tell what is usual.
pub(super) const BEFORE_MINUTES: i64 = 30;

/// Fewer known minutes than this are no habit to compare with.
pub(super) const LEAST_MINUTES: usize = 5;

/// The median; `None` of too few.
pub(super) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    if values.len() < LEAST_MINUTES {
        return None;
    }
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    Some(if values.len().is_multiple_of(2) {
        f64::midpoint(values[middle - 1], values[middle])
    } else {
        values[middle]
    })
}
