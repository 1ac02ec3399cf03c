//! Fills triangles as a graphics card does: corners on a grid of 1/256 pixel, exact edges, each pixel once,
//! colours multiplied and blended as they are stored, without going through linear light.

use eframe::egui::epaint::{ClippedPrimitive, Primitive, Vertex};
use eframe::egui::{Color32, Rect};

use super::Image;
use super::texture::{Rgba, Texture, Textures};

pub(super) struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<[u8; 4]>,
}

/// Pixels that may be written: columns and rows, ends not included.
#[derive(Clone, Copy)]
struct Clip {
    left: i64,
    right: i64,
    top: i64,
    bottom: i64,
}

/// One pixel in the corners' grid.
const GRID: i64 = 256;

impl Canvas {
    pub(super) fn new(width: usize, height: usize, background: Color32) -> Canvas {
        Canvas { width, height, pixels: vec![background.to_array(); width * height] }
    }

    pub(super) fn into_image(self) -> Image {
        let rgb = self.pixels.into_iter().flat_map(|[r, g, b, _]| [r, g, b]).collect();
        Image { width: self.width, height: self.height, rgb }
    }

    pub(super) fn paint(&mut self, primitive: &ClippedPrimitive, textures: &Textures, scale: f32) {
        let Primitive::Mesh(mesh) = &primitive.primitive else { return };
        let Some(texture) = textures.get(mesh.texture_id) else { return };
        let clip = self.clip(primitive.clip_rect, scale);
        for corners in mesh.indices.chunks_exact(3) {
            if let [Some(a), Some(b), Some(c)] = [0, 1, 2].map(|i| mesh.vertices.get(corners[i] as usize)) {
                self.triangle([a, b, c], texture, clip, scale);
            }
        }
    }

    fn clip(&self, rect: Rect, scale: f32) -> Clip {
        let within = |at: f32, length: usize| ((at * scale).round() as i64).clamp(0, length as i64);
        Clip {
            left: within(rect.min.x, self.width),
            right: within(rect.max.x, self.width),
            top: within(rect.min.y, self.height),
            bottom: within(rect.max.y, self.height),
        }
    }

    fn triangle(&mut self, [a, mut b, mut c]: [&Vertex; 3], texture: &Texture, clip: Clip, scale: f32) {
        let corner = |vertex: &Vertex| [vertex.pos.x, vertex.pos.y].map(|at| (at * scale * GRID as f32).round() as i64);
        let (p, mut q, mut r) = (corner(a), corner(b), corner(c));
        let mut area = (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]);
        if area == 0 {
            return;
        }
        if area < 0 {
            (q, r, b, c, area) = (r, q, c, b, -area);
        }
        let paint = Paint::new([a, b, c], [p, q, r], area, texture);
        let edges = [Edge::new(p, q), Edge::new(q, r), Edge::new(r, p)];
        let rows = |y: i64| y.div_euclid(GRID);
        let top = rows(p[1].min(q[1]).min(r[1])).max(clip.top);
        let bottom = (rows(p[1].max(q[1]).max(r[1])) + 1).min(clip.bottom);
        for y in top..bottom {
            let (mut left, mut right) = (clip.left, clip.right);
            for edge in &edges {
                edge.narrow(y, &mut left, &mut right);
            }
            if left < right {
                let row = y as usize * self.width;
                paint.span(&mut self.pixels[row + left as usize..row + right as usize], left, y);
            }
        }
    }
}

/// A side of a triangle whose inside lies to its right.
struct Edge {
    from: [i64; 2],
    across: i64,
    down: i64,
    /// Pixels exactly on a left or top side belong to the triangle, on others not, so that neighbours share none.
    owns: bool,
}

impl Edge {
    fn new(from: [i64; 2], to: [i64; 2]) -> Edge {
        let (across, down) = (to[0] - from[0], to[1] - from[1]);
        Edge { from, across, down, owns: down < 0 || (down == 0 && across > 0) }
    }

    /// Keeps of the row's pixels those whose centre is inside.
    fn narrow(&self, row: i64, left: &mut i64, right: &mut i64) {
        let y = row * GRID + GRID / 2;
        let reach = self.across * (y - self.from[1]) + self.down * self.from[0] - i64::from(!self.owns);
        let pixel = |x: i64| (x - GRID / 2).div_euclid(GRID);
        match self.down {
            0 if reach < 0 => *right = *left,
            0 => {}
            down if down > 0 => *right = (*right).min(pixel(reach.div_euclid(down)) + 1),
            down => *left = (*left).max(pixel(-reach.div_euclid(-down) - 1) + 1),
        }
    }
}

/// A value that changes evenly over a triangle.
struct Slope<const N: usize> {
    /// At the first corner, and by how much it grows a pixel to the right and down.
    start: [f32; N],
    right: [f32; N],
    down: [f32; N],
    flat: bool,
}

impl<const N: usize> Slope<N> {
    fn new([a, b, c]: [[f32; N]; 3], [p, q, r]: [[i64; 2]; 3], area: i64) -> Slope<N> {
        let size = area as f32 / GRID as f32;
        let side = |from: i64, to: i64| (to - from) as f32;
        let mix = |i: usize, axis: usize| {
            let (to_b, to_c) = (side(p[axis], q[axis]), side(p[axis], r[axis]));
            let value = (b[i] - a[i]) * to_c - (c[i] - a[i]) * to_b;
            if axis == 1 { value / size } else { -value / size }
        };
        Slope { start: a, right: std::array::from_fn(|i| mix(i, 1)), down: std::array::from_fn(|i| mix(i, 0)), flat: a == b && b == c }
    }

    fn at(&self, right: f32, down: f32) -> [f32; N] {
        std::array::from_fn(|i| self.start[i] + self.right[i] * right + self.down[i] * down)
    }
}

/// What a triangle is filled with.
struct Paint<'a> {
    texture: &'a Texture,
    color: Slope<4>,
    /// In texels.
    place: Slope<2>,
    /// The first corner in pixels.
    origin: [f32; 2],
}

impl<'a> Paint<'a> {
    fn new(vertices: [&Vertex; 3], corners: [[i64; 2]; 3], area: i64, texture: &'a Texture) -> Paint<'a> {
        let [width, height] = texture.size();
        let color = Slope::new(vertices.map(|vertex| vertex.color.to_array().map(f32::from)), corners, area);
        let place = Slope::new(vertices.map(|vertex| [vertex.uv.x * width, vertex.uv.y * height]), corners, area);
        Paint { texture, color, place, origin: corners[0].map(|at| at as f32 / GRID as f32) }
    }

    /// Fills a run of pixels that starts at column `left` of row `y`.
    fn span(&self, pixels: &mut [[u8; 4]], left: i64, y: i64) {
        let down = y as f32 + 0.5 - self.origin[1];
        let first = left as f32 + 0.5 - self.origin[0];
        if self.color.flat && self.place.flat {
            let source = multiply(self.color.start, self.texture.sample(self.place.start[0], self.place.start[1]));
            return flood(pixels, source);
        }
        let still = self.place.flat.then(|| self.texture.sample(self.place.start[0], self.place.start[1]));
        for (step, pixel) in pixels.iter_mut().enumerate() {
            let right = first + step as f32;
            let texel = still.unwrap_or_else(|| {
                let [u, v] = self.place.at(right, down);
                self.texture.sample(u, v)
            });
            let color = if self.color.flat { self.color.start } else { self.color.at(right, down).map(|part| part.clamp(0.0, 255.0)) };
            blend(pixel, multiply(color, texel));
        }
    }
}

fn flood(pixels: &mut [[u8; 4]], source: Rgba) {
    if source[3] >= 255.0 {
        pixels.fill(source.map(|part| (part + 0.5) as u8));
    } else {
        pixels.iter_mut().for_each(|pixel| blend(pixel, source));
    }
}

fn multiply(color: Rgba, texel: Rgba) -> Rgba {
    std::array::from_fn(|i| color[i] * texel[i] * (1.0 / 255.0))
}

/// Puts a premultiplied colour over a pixel.
fn blend(pixel: &mut [u8; 4], source: Rgba) {
    if source == [0.0; 4] {
        return;
    }
    let keep = 1.0 - source[3] * (1.0 / 255.0);
    for (under, over) in pixel.iter_mut().zip(source) {
        *under = (over + f32::from(*under) * keep + 0.5).min(255.0) as u8;
    }
}
