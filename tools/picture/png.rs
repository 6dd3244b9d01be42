//! The picture as PNG.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{self, fontdb::Database},
};

/// The fonts that are taken where none is named, where Linux has them.
const FONTS: [&str; 2] = [
    "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf",
    "/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf",
];

/// Pixels a unit.
const SCALE: f32 = 1.5;

/// Draws an SVG document with a font's file, or with DejaVu Sans Mono.
pub(crate) fn draw(svg: &str, font: Option<&Path>) -> Result<Vec<u8>, String> {
    let mut fonts = Database::new();
    let (files, hint) = match font {
        Some(path) => (vec![path.to_owned()], ""),
        None => (FONTS.map(PathBuf::from).to_vec(), "; name a monospaced font with --font"),
    };
    for path in files {
        let bytes =
            fs::read(&path).map_err(|error| format!("{}: {error}{hint}", path.display()))?;
        fonts.load_font_data(bytes);
    }
    let family = fonts.faces().next().and_then(|face| Some(face.families.first()?.0.clone()));
    let Some(family) = family else { return Err("the font's file has no font".to_owned()) };
    fonts.set_monospace_family(family);
    let options = usvg::Options { fontdb: Arc::new(fonts), ..usvg::Options::default() };
    let tree = usvg::Tree::from_str(svg, &options).map_err(|error| error.to_string())?;
    let size = tree.size().to_int_size().scale_by(SCALE).ok_or("the picture has no size")?;
    let mut pixels = Pixmap::new(size.width(), size.height()).ok_or("the picture has no size")?;
    resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| error.to_string())
}
