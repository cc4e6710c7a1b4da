//! The explorer as a browser meets it: pages, files, headers, and the modules that verify.

#![allow(clippy::unwrap_used)]

mod rpc;

use std::path::Path;
use std::process::Command;

use logothete_node::explorer::ASSETS;
use reqwest::StatusCode;
use reqwest::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HOST, HeaderMap,
    IF_NONE_MATCH, VARY,
};

use rpc::fake::{GENESIS, Running, start};

async fn get(running: &Running, path: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
    let answer = running.http.get(running.url(path)).send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    (status, headers, answer.bytes().await.unwrap().to_vec())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

#[track_caller]
fn assert_kept_to_itself(headers: &HeaderMap) {
    let policy = text(headers, "content-security-policy");
    for part in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    ] {
        assert!(policy.split("; ").any(|one| one == part), "{part}: {policy}");
    }
    assert_eq!(text(headers, "x-content-type-options"), "nosniff");
    assert_eq!(text(headers, "referrer-policy"), "no-referrer");
}

#[tokio::test]
async fn every_page_is_the_one_page() {
    let running = start().await;
    let (status, headers, home) = get(&running, "/").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers[CONTENT_TYPE], "text/html; charset=utf-8");
    assert_kept_to_itself(&headers);
    for path in [
        "/blocks",
        "/block/12",
        "/tx/ebd05dac11fd578661484d0caf391644cc07df821ea37aa0719cbdbd22a18e12",
        "/account/lgt15wsghdwx9l7wse3ynw0gk0xmsmgerg6xpdvzyzrq7mp3dr436wmss4ezek",
        "/validators",
        "/consensus",
        "/evidence",
        "/mempool",
        "/network",
        "/verify",
        "/send?from=alice",
    ] {
        let (status, _, page) = get(&running, path).await;
        assert_eq!((status, page == home), (StatusCode::OK, true), "{path}");
    }
    assert_eq!(get(&running, "/nowhere").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn every_file_that_a_page_names_is_served() {
    let running = start().await;
    let mut named = 0;
    for asset in ASSETS {
        let content = std::str::from_utf8(asset.bytes).unwrap();
        for (at, _) in content.match_indices("/assets/") {
            let path = content[at..].split('"').next().unwrap();
            assert_eq!(get(&running, path).await.0, StatusCode::OK, "{path} in {}", asset.path);
            named += 1;
        }
    }
    assert!(named > 10, "the page names its files");
    for asset in ASSETS.iter().filter(|asset| asset.path != "index.html") {
        let (status, headers, bytes) = get(&running, &format!("/assets/{}", asset.path)).await;
        assert_eq!((status, bytes.as_slice()), (StatusCode::OK, asset.bytes), "{}", asset.path);
        assert_kept_to_itself(&headers);
        let kind = text(&headers, "content-type");
        let module = asset.path.ends_with(".js");
        assert_eq!(kind == "text/javascript; charset=utf-8", module, "{}: {kind}", asset.path);
    }
}

#[tokio::test]
async fn files_that_are_not_there_are_not_found() {
    let running = start().await;
    for path in
        ["/assets/none.js", "/assets/", "/assets/../Cargo.toml", "/assets/index.html", "/main.js"]
    {
        let (status, headers, _) = get(&running, path).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(text(&headers, "x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn what_the_browser_has_is_not_sent_again() {
    let running = start().await;
    for path in ["/", "/assets/main.js", "/genesis"] {
        let (_, headers, whole) = get(&running, path).await;
        assert_eq!(headers[CACHE_CONTROL], "no-cache", "{path}");
        let ask = |tag: &str| running.http.get(running.url(path)).header(IF_NONE_MATCH, tag).send();
        let tag = headers[ETAG].to_str().unwrap();
        for known in [tag.to_owned(), format!("W/{tag}"), format!("\"x\", {tag}")] {
            let answer = ask(&known).await.unwrap();
            assert_eq!(answer.status(), StatusCode::NOT_MODIFIED, "{path} {known}");
            assert_eq!(answer.headers()[ETAG], tag);
            assert!(answer.bytes().await.unwrap().is_empty());
        }
        let answer = ask("\"other\"").await.unwrap();
        assert_eq!(answer.bytes().await.unwrap(), whole, "{path}");
    }
}

#[tokio::test]
async fn files_are_packed_for_those_who_take_that() {
    use std::io::Read as _;
    let running = start().await;
    for (path, name) in [("/", "index.html"), ("/assets/verify.js", "verify.js")] {
        let content = ASSETS.iter().find(|asset| asset.path == name).unwrap().bytes;
        let ask =
            |accepts: &str| running.http.get(running.url(path)).header(ACCEPT_ENCODING, accepts);
        let plain = ask("identity").send().await.unwrap();
        let plain_tag = plain.headers()[ETAG].clone();
        assert_eq!(plain.headers()[VARY], "accept-encoding");
        for refuses in ["br", "gzip;q=0", "gzip; q=0.0, *", ""] {
            let answer = ask(refuses).send().await.unwrap();
            assert!(!answer.headers().contains_key(CONTENT_ENCODING), "{refuses}");
            assert_eq!(answer.headers()[ETAG], plain_tag);
            assert_eq!(answer.bytes().await.unwrap(), content);
        }
        for takes in ["gzip", "br, gzip;q=0.5", "gzip, deflate, br, zstd", "*"] {
            let answer = ask(takes).send().await.unwrap();
            let headers = answer.headers().clone();
            assert_eq!(headers[CONTENT_ENCODING], "gzip", "{takes}");
            assert_eq!(headers[VARY], "accept-encoding");
            assert_ne!(headers[ETAG], plain_tag, "other bytes, another name");
            let packed = answer.bytes().await.unwrap();
            let mut unpacked = Vec::new();
            flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut unpacked).unwrap();
            assert!(unpacked == content && packed.len() < content.len() * 2 / 3, "{path}");
            let again = ask(takes).header(IF_NONE_MATCH, &headers[ETAG]).send().await.unwrap();
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
            let other = ask(takes).header(IF_NONE_MATCH, &plain_tag).send().await.unwrap();
            assert_eq!(other.status(), StatusCode::OK, "these are not the bytes that it has");
        }
    }
}

#[tokio::test]
async fn answers_of_the_rpc_are_still_not_stored() {
    let running = start().await;
    let (_, headers, _) = get(&running, "/livez").await;
    assert_eq!(headers[CACHE_CONTROL], "no-store");
}

#[tokio::test]
async fn the_chain_specification_is_served_as_it_is_hashed() {
    let running = start().await;
    let (status, headers, bytes) = get(&running, "/genesis").await;
    assert_eq!((status, bytes.as_slice()), (StatusCode::OK, GENESIS));
    assert_eq!(headers[CONTENT_TYPE], "application/octet-stream");
}

/// Against pages of strangers whose name leads to this machine.
#[tokio::test]
async fn another_host_gets_no_page() {
    let running = start().await;
    for path in ["/", "/assets/main.js", "/genesis", "/block/1"] {
        let ask = |host: &str| running.http.get(running.url(path)).header(HOST, host).send();
        assert_eq!(ask("evil.example").await.unwrap().status(), StatusCode::FORBIDDEN, "{path}");
        assert_eq!(ask("node.example").await.unwrap().status(), StatusCode::OK, "{path}");
    }
}

/// The modules that decode and verify, against the vectors of `docs/wire*.md`.
#[test]
fn the_modules_keep_to_the_wire_documents() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/explorer");
    let files = std::fs::read_dir(&tests).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = files.filter(|path| path.to_string_lossy().ends_with(".test.js")).collect();
    assert!(!files.is_empty());
    let output = Command::new("node")
        .arg("--test")
        .args(&files)
        .output()
        .expect("Node.js runs the tests of the explorer: apt-get install nodejs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("# fail 0") || said.contains("ℹ fail 0"), "{said}");
}
