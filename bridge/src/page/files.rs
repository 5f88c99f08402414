//! The files of the page, as they lie in `static/`: built in, so that the program is all that there is to install.
//!
//! **A file is one line.** Nothing is fetched from elsewhere, and no file has a script or a style in it that does not stand in a file of its own.

/// A file by its path, with its content type.
#[derive(Debug, Clone, Copy)]
pub struct Asset {
    /// Where it is asked for.
    pub path: &'static str,
    /// What it is.
    pub content_type: &'static str,
    /// Its text.
    pub text: &'static str,
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! files {
    ($($path:literal $content_type:ident $file:literal;)*) => {
        &[$(Asset { path: $path, content_type: $content_type, text: include_str!(concat!("static/", $file)) },)*]
    };
}

#[rustfmt::skip]
const FILES: &[Asset] = files! {
    "/"            HTML   "index.html";
    "/page.css"    CSS    "page.css";
    "/words.js"    SCRIPT "words.js";
    "/charts.js"   SCRIPT "charts.js";
    "/page.js"     SCRIPT "page.js";
    "/icon.svg"    SVG    "icon.svg";
};

/// The file of a path.
#[must_use]
pub fn find(path: &str) -> Option<&'static Asset> {
    FILES.iter().find(|file| file.path == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a browser loads in all, in bytes.
    const ALL_MAX: usize = 100_000;

    #[test]
    fn the_page_is_small_and_needs_nothing_from_elsewhere() {
        assert!(FILES.iter().map(|file| file.text.len()).sum::<usize>() <= ALL_MAX);
        for Asset { path, text, .. } in FILES {
            let links = text.replace("http://www.w3.org/", "");
            assert!(
                !links.contains("//cdn") && !links.contains("src=\"http") && !links.contains("src=\"/") && !links.contains("href=\"/"),
                "{path}"
            );
            assert!(!text.contains("<script>") && !text.contains("style=\"") && !text.contains("innerHTML"), "{path}");
        }
    }
}
