//! What a plan or a change waits for, on standard error.

use super::out::aside;
use crate::aws::Aws;

/// Says what is waited for, past half a second and once for as long as it is waited for, until the process ends.
pub(super) fn told(aws: &Aws) {
    let mut waits = aws.waits();
    tokio::spawn(async move {
        let mut said = Vec::new();
        loop {
            match waits.next().await {
                None => said.clear(),
                Some(wait) if said.contains(&wait) => {}
                Some(wait) => {
                    aside(&wait.to_string());
                    said.push(wait);
                }
            }
        }
    });
}
