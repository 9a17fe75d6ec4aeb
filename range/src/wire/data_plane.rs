//! Requests to the APIs themselves: `/restapis/{api}/{stage}/_user_request_/{path}`.

use std::net::IpAddr;

use bytes::Bytes;
use http::{Request, Response, StatusCode};

const MARK: &str = "/_user_request_";

/// Whether a path is a caller's rather than the control plane's.
pub(crate) fn is_data_plane(path: &str) -> bool {
    path.starts_with("/restapis/") && path.contains(MARK)
}

/// API id and stage of a caller's path.
pub(crate) fn data_plane_stage(path: &str) -> Option<(&str, &str)> {
    let (target, _) = path.strip_prefix("/restapis/")?.split_once(MARK)?;
    target.split_once('/')
}

/// The first address of `X-Forwarded-For`.
pub(crate) fn forwarded_for(request: &Request<Bytes>) -> Option<IpAddr> {
    let header = request.headers().get("x-forwarded-for")?.to_str().ok()?;
    header.split(',').next()?.trim().parse().ok()
}

/// What API Gateway answers for an API or a stage that is not there (documented).
pub(crate) fn forbidden(request_id: &str) -> Response<Bytes> {
    let body = br#"{"message":"Forbidden"}"#.to_vec();
    let headers = [("x-amzn-errortype", "ForbiddenException")];
    super::respond(StatusCode::FORBIDDEN, "application/json", body, request_id, &headers)
}
