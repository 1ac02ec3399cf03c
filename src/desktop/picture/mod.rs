//! Draws the window into memory: no display, no driver, the same picture on every machine.
//! `--picture`, the image tests and the documentation use it. It paints as the shipped renderer does, but without its dithering.

mod raster;
mod texture;

use std::io;

use eframe::egui::{Color32, Context, Event, FullOutput, Pos2, RawInput, Rect, TexturesDelta, Ui, Vec2, ViewportId};

use raster::Canvas;
use texture::Textures;

/// An opaque picture: rows from the top, three bytes a pixel, red first.
#[derive(Clone, PartialEq, Eq)]
pub struct Image {
    pub width: usize,
    pub height: usize,
    pub rgb: Vec<u8>,
}

impl Image {
    /// The picture as a PNG file's bytes.
    pub fn png(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Balanced);
        // Flat areas are best left as they are.
        encoder.set_filter(png::Filter::NoFilter);
        encoder.write_header()?.write_image_data(&self.rgb)?;
        Ok(bytes)
    }

    /// Reads what [`png`](Self::png) wrote.
    pub fn from_png(bytes: &[u8]) -> io::Result<Image> {
        let mut reader = png::Decoder::new(io::Cursor::new(bytes)).read_info()?;
        let (width, height) = reader.info().size();
        let mut rgb = vec![0; width as usize * height as usize * 3];
        let info = reader.info();
        if (info.color_type, info.bit_depth) != (png::ColorType::Rgb, png::BitDepth::Eight) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        reader.next_frame(&mut rgb)?;
        Ok(Image { width: width as usize, height: height as usize, rgb })
    }
}

/// Keeps the textures of an egui context and paints its output.
#[derive(Default)]
pub struct Painter {
    textures: Textures,
}

impl Painter {
    /// Takes over new and changed textures. Every frame's must pass through here, painted or not.
    pub fn update(&mut self, delta: &mut TexturesDelta) {
        self.textures.update(delta);
    }

    /// Paints one frame of `ctx` on a picture of `size` points.
    pub fn paint(&self, ctx: &Context, output: &FullOutput, size: Vec2) -> Image {
        let scale = output.pixels_per_point;
        let pixels = (size * scale).round();
        let mut canvas = Canvas::new(pixels.x as usize, pixels.y as usize, ctx.global_style().visuals.panel_fill);
        for primitive in ctx.tessellate(output.shapes.clone(), scale) {
            canvas.paint(&primitive, &self.textures, scale);
        }
        canvas.into_image()
    }
}

/// A window that nobody sees.
pub struct Studio {
    ctx: Context,
    painter: Painter,
    size: Vec2,
    scale: f32,
    last: Option<FullOutput>,
}

impl Studio {
    /// `size` in points, `scale` in pixels a point.
    pub fn new(size: Vec2, scale: f32) -> Studio {
        Studio { ctx: Context::default(), painter: Painter::default(), size, scale, last: None }
    }

    pub fn ctx(&self) -> &Context {
        &self.ctx
    }

    /// Draws one frame, `secs` after the first.
    pub fn frame(&mut self, secs: f64, ui: impl FnMut(&mut Ui)) {
        self.frame_with(secs, Vec::new(), ui);
    }

    /// As [`frame`](Self::frame), after a person did something.
    pub fn frame_with(&mut self, secs: f64, events: Vec<Event>, ui: impl FnMut(&mut Ui)) {
        let mut input = RawInput {
            events,
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, self.size)),
            max_texture_side: Some(8192),
            time: Some(secs),
            focused: true,
            ..RawInput::default()
        };
        input.viewports.entry(ViewportId::ROOT).or_default().native_pixels_per_point = Some(self.scale);
        let mut output = self.ctx.run_ui(input, ui);
        self.painter.update(&mut output.textures_delta);
        self.last = Some(output);
    }

    /// The picture of the last frame.
    pub fn image(&self) -> Option<Image> {
        self.last.as_ref().map(|output| self.painter.paint(&self.ctx, output, self.size))
    }
}

/// The picture of `ui` after `frames` frames, at least one. `ui` sees the context before anything is laid out.
pub fn render(size: Vec2, scale: f32, frames: usize, mut ui: impl FnMut(&mut Ui)) -> Image {
    let mut studio = Studio::new(size, scale);
    for frame in 0..frames.max(1) {
        studio.frame(frame as f64 / 60.0, &mut ui);
    }
    studio.image().unwrap_or_else(|| Canvas::new(0, 0, Color32::TRANSPARENT).into_image())
}

#[cfg(test)]
mod tests {
    use eframe::egui::{CornerRadius, Stroke, pos2};

    use super::*;
    use crate::desktop::theme::{Colors, Theme, Tone};

    fn pixel(image: &Image, x: usize, y: usize) -> [u8; 3] {
        let at = (y * image.width + x) * 3;
        [image.rgb[at], image.rgb[at + 1], image.rgb[at + 2]]
    }

    fn rgb(color: Color32) -> [u8; 3] {
        [color.r(), color.g(), color.b()]
    }

    #[test]
    fn a_filled_square_covers_its_pixels_and_no_others() {
        let c = Colors::of(Tone::Dark);
        let square = Rect::from_min_max(pos2(10.0, 10.0), pos2(20.0, 30.0));
        for scale in [1.0, 2.0] {
            let image = render(Vec2::new(40.0, 40.0), scale, 2, |ui| {
                ui.painter().rect_filled(ui.max_rect().expand(50.0), 0.0, c.bg1);
                ui.painter().rect_filled(square, 0.0, c.crit);
            });
            let s = scale as usize;
            assert_eq!((image.width, image.height), (40 * s, 40 * s));
            for y in 0..40 * s {
                for x in 0..40 * s {
                    let inside = (10 * s..20 * s).contains(&x) && (10 * s..30 * s).contains(&y);
                    assert_eq!(pixel(&image, x, y), rgb(if inside { c.crit } else { c.bg1 }), "{x} {y} at {scale}");
                }
            }
        }
    }

    #[test]
    fn a_half_seen_colour_is_mixed_as_stored_and_a_shared_side_is_painted_once() {
        let c = Colors::of(Tone::Light);
        let image = render(Vec2::new(60.0, 60.0), 1.0, 2, |ui| {
            ui.painter().rect_filled(ui.max_rect().expand(50.0), 0.0, c.bg2);
            ui.painter().rect_filled(Rect::from_min_max(pos2(0.0, 0.0), pos2(60.0, 60.0)), 0.0, c.data.gamma_multiply(0.5));
        });
        let half = |over: u8, under: u8| (f32::from(over) + f32::from(under)) / 2.0;
        for y in 1..59 {
            for x in 1..59 {
                let wanted = rgb(c.data).into_iter().zip(rgb(c.bg2)).map(|(over, under)| half(over, under));
                for (seen, wanted) in pixel(&image, x, y).into_iter().zip(wanted) {
                    assert!((f32::from(seen) - wanted).abs() <= 2.0, "{x} {y}: {seen} for {wanted}");
                }
            }
        }
    }

    #[test]
    fn words_are_painted_the_same_each_time_and_survive_a_png() {
        let theme = Theme::default();
        let draw = || {
            let mut ready = false;
            render(Vec2::new(200.0, 60.0), 1.5, 3, |ui| {
                if !std::mem::replace(&mut ready, true) {
                    theme.apply(ui.ctx());
                }
                ui.label(theme.title("Łódź 96.8 %"));
                ui.painter().rect_stroke(
                    ui.max_rect(),
                    CornerRadius::same(6),
                    Stroke::new(2.0, theme.color.accent),
                    eframe::egui::StrokeKind::Inside,
                );
            })
        };
        let image = draw();
        let bright = image.rgb.chunks_exact(3).filter(|pixel| pixel[0] > 200).count();
        assert!((300..3000).contains(&bright), "{bright} bright pixels");
        assert!(image == draw());
        assert!(Image::from_png(&image.png().unwrap()).unwrap() == image);
    }
}
