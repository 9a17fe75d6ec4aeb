//! Token buckets, taken from a second at a time.
//!
//! API Gateway throttles by token bucket (documented). A bucket that runs dry sheds everyone who asks, in proportion
//! (inferred): it does not know attackers from customers. Stage-level limits hold for each method by itself, not for
//! the stage's sum (documented). Limits of 0 let nothing through (documented for HTTP APIs by users' reports, inferred
//! for REST APIs); -1 means that only the account's limit holds.

/// One bucket.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    rate: f64,
    burst: f64,
    tokens: f64,
}

impl Bucket {
    /// A full bucket of `rate` requests a second and `burst` requests.
    pub(crate) fn new(rate: f64, burst: f64) -> Self {
        Self { rate, burst, tokens: burst }
    }

    /// Takes over new limits; what is in the bucket stays, up to the new burst.
    pub(crate) fn set(&mut self, rate: f64, burst: f64) {
        (self.rate, self.burst, self.tokens) = (rate, burst, self.tokens.min(burst));
    }

    /// Takes a second's demand; gives the share of it that passes, 0 to 1.
    pub(crate) fn second(&mut self, demand: u64) -> f64 {
        if self.rate <= 0.0 || self.burst < 1.0 {
            return if demand == 0 { 1.0 } else { 0.0 };
        }
        let wanted = demand as f64;
        let available = self.tokens + self.rate;
        let passed = wanted.min(available);
        self.tokens = (available - passed).min(self.burst);
        if demand == 0 { 1.0 } else { passed / wanted }
    }

    /// Takes one token, if there is one.
    pub(crate) fn one(&mut self) -> bool {
        let open = self.rate > 0.0 && self.tokens >= 1.0;
        if open {
            self.tokens -= 1.0;
        }
        open
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_bucket_lets_its_burst_through_and_then_its_rate() {
        let mut bucket = Bucket::new(10.0, 30.0);
        let passed: Vec<f64> = (0..4).map(|_| bucket.second(40) * 40.0).collect();
        assert_eq!(passed, [40.0, 10.0, 10.0, 10.0]);
        assert!((bucket.second(5) - 1.0).abs() < f64::EPSILON);
        assert!(bucket.one());
    }

    #[test]
    fn a_limit_of_zero_lets_nothing_through() {
        for mut bucket in [Bucket::new(0.0, 100.0), Bucket::new(100.0, 0.0)] {
            assert!(bucket.second(1) == 0.0 && !bucket.one());
        }
    }
}
