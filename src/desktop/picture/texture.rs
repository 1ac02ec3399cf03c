//! Textures as egui hands them over, whole and in patches. Edges are clamped; egui's own fonts need no other way.

use std::collections::HashMap;

use eframe::egui::epaint::{ImageData, ImageDelta};
use eframe::egui::{TextureFilter, TextureId, TexturesDelta};

/// Four parts of a colour, 0 to 255 each, premultiplied.
pub(super) type Rgba = [f32; 4];

#[derive(Default)]
pub(super) struct Textures(HashMap<TextureId, Texture>);

pub(super) struct Texture {
    width: usize,
    height: usize,
    texels: Vec<[u8; 4]>,
    smooth: bool,
}

impl Textures {
    pub(super) fn update(&mut self, delta: &mut TexturesDelta) {
        for (id, deltas) in delta.set.drain() {
            for delta in deltas {
                self.set(id, delta);
            }
        }
        for id in delta.free.drain() {
            self.0.remove(&id);
        }
    }

    pub(super) fn get(&self, id: TextureId) -> Option<&Texture> {
        self.0.get(&id)
    }

    fn set(&mut self, id: TextureId, delta: ImageDelta) {
        let ImageData::Color(image) = &delta.image;
        let [width, height] = image.size;
        let smooth = delta.options.magnification == TextureFilter::Linear;
        let texels = image.pixels.iter().map(|color| color.to_array());
        match (delta.pos, self.0.get_mut(&id)) {
            (None, _) => {
                self.0.insert(id, Texture { width, height, texels: texels.collect(), smooth });
            }
            (Some(at), Some(texture)) => texture.patch(at, width, &texels.collect::<Vec<_>>()),
            // A patch of a texture that was never set: nothing to put it on.
            (Some(_), None) => {}
        }
    }
}

impl Texture {
    fn patch(&mut self, [left, top]: [usize; 2], width: usize, texels: &[[u8; 4]]) {
        if width == 0 || left + width > self.width {
            return;
        }
        for (row, source) in (top..self.height).zip(texels.chunks_exact(width)) {
            let start = row * self.width + left;
            self.texels[start..start + width].copy_from_slice(source);
        }
    }

    pub(super) fn size(&self) -> [f32; 2] {
        [self.width as f32, self.height as f32]
    }

    /// The colour at a place counted in texels; texel centres lie at halves.
    pub(super) fn sample(&self, u: f32, v: f32) -> Rgba {
        if !self.smooth {
            return self.texel(u.floor() as i32, v.floor() as i32);
        }
        let (u, v) = (u - 0.5, v - 0.5);
        let (left, top) = (u.floor(), v.floor());
        // Graphics cards know a place between two texels to 1/256.
        let (right, down) = (((u - left) * 256.0).round() / 256.0, ((v - top) * 256.0).round() / 256.0);
        let (x, y) = (left as i32, top as i32);
        if right == 0.0 && down == 0.0 {
            return self.texel(x, y);
        }
        let [a, b, c, d] = [self.texel(x, y), self.texel(x + 1, y), self.texel(x, y + 1), self.texel(x + 1, y + 1)];
        std::array::from_fn(|i| {
            let (upper, lower) = (a[i] + (b[i] - a[i]) * right, c[i] + (d[i] - c[i]) * right);
            upper + (lower - upper) * down
        })
    }

    fn texel(&self, x: i32, y: i32) -> Rgba {
        let clamp = |at: i32, length: usize| (at.max(0) as usize).min(length.saturating_sub(1));
        self.texels.get(clamp(y, self.height) * self.width + clamp(x, self.width)).map_or([0.0; 4], |texel| texel.map(f32::from))
    }
}
