//! Icons as strokes on a grid of 24, drawn by the painter: sharp at every size, in any colour, with no font needed.

use std::f32::consts::TAU;

use eframe::egui::{Color32, Painter, Pos2, Rect, Response, Sense, Shape, Stroke, Ui, Vec2, vec2};

/// What an icon stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Icon {
    Overview,
    Yield,
    Reports,
    Queue,
    Connection,
    Instances,
    About,
    Live,
    Alerts,
    Me,
    Users,
    Key,
    Audit,
    SignOut,
    Chat,
    Eye,
    EyeOff,
    Backspace,
    Enter,
    Shift,
    Search,
    Copy,
    Folder,
    Plus,
    Close,
    Check,
    More,
    Menu,
    Left,
    Right,
    Up,
    Down,
}

impl Icon {
    pub const ALL: [Icon; 32] = [
        Icon::Overview,
        Icon::Yield,
        Icon::Reports,
        Icon::Queue,
        Icon::Connection,
        Icon::Instances,
        Icon::About,
        Icon::Live,
        Icon::Alerts,
        Icon::Me,
        Icon::Users,
        Icon::Key,
        Icon::Audit,
        Icon::SignOut,
        Icon::Chat,
        Icon::Eye,
        Icon::EyeOff,
        Icon::Backspace,
        Icon::Enter,
        Icon::Shift,
        Icon::Search,
        Icon::Copy,
        Icon::Folder,
        Icon::Plus,
        Icon::Close,
        Icon::Check,
        Icon::More,
        Icon::Menu,
        Icon::Left,
        Icon::Right,
        Icon::Up,
        Icon::Down,
    ];
}

/// One stroke. Places are grid units from the top left; turns start at the right and go clockwise.
enum Part {
    Line(&'static [(f32, f32)]),
    Closed(&'static [(f32, f32)]),
    Circle(f32, f32, f32),
    Dot(f32, f32, f32),
    /// Centre, radius, and the part of a turn from where to where.
    Arc((f32, f32), f32, (f32, f32)),
}

use Part::{Arc, Circle, Closed, Dot, Line};

const GRID: f32 = 24.0;
/// Width of a stroke in grid units.
const WIDTH: f32 = 1.9;

/// Draws `icon` into the largest square in the middle of `rect`.
pub fn paint(painter: &Painter, rect: Rect, icon: Icon, color: Color32) {
    let side = rect.width().min(rect.height());
    let unit = side / GRID;
    let origin = rect.center() - Vec2::splat(side / 2.0);
    let stroke = Stroke::new((WIDTH * unit).max(1.0), color);
    let place = |&(x, y): &(f32, f32)| -> Pos2 { origin + vec2(x, y) * unit };
    for part in parts(icon) {
        painter.add(match part {
            Line(points) => Shape::line(points.iter().map(place).collect(), stroke),
            Closed(points) => Shape::closed_line(points.iter().map(place).collect(), stroke),
            Circle(x, y, radius) => Shape::circle_stroke(place(&(*x, *y)), radius * unit, stroke),
            Dot(x, y, radius) => Shape::circle_filled(place(&(*x, *y)), radius * unit, color),
            Arc(center, radius, (from, to)) => Shape::line(arc(place(center), radius * unit, *from, *to), stroke),
        });
    }
}

/// Draws `icon` as a square of `size` points in the flow of `ui`. It has no name of its own: what it stands beside has.
pub fn show(ui: &mut Ui, icon: Icon, size: f32, color: Color32) -> Response {
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(size), Sense::empty());
    paint(ui.painter(), rect, icon, color);
    response
}

/// Points along a circle between two parts of a turn.
pub(super) fn arc(center: Pos2, radius: f32, from: f32, to: f32) -> Vec<Pos2> {
    let steps = ((to - from).abs() * 48.0).ceil().max(2.0);
    let at = |step: f32| center + Vec2::angled((from + (to - from) * step / steps) * TAU) * radius;
    (0..=steps as usize).map(|step| at(step as f32)).collect()
}

fn parts(icon: Icon) -> &'static [Part] {
    match icon {
        Icon::Overview => &[
            Closed(&[(3.0, 3.0), (10.5, 3.0), (10.5, 12.5), (3.0, 12.5)]),
            Closed(&[(13.5, 3.0), (21.0, 3.0), (21.0, 8.5), (13.5, 8.5)]),
            Closed(&[(13.5, 11.5), (21.0, 11.5), (21.0, 21.0), (13.5, 21.0)]),
            Closed(&[(3.0, 15.5), (10.5, 15.5), (10.5, 21.0), (3.0, 21.0)]),
        ],
        Icon::Yield => &[
            Line(&[(4.0, 21.0), (4.0, 14.0)]),
            Line(&[(9.3, 21.0), (9.3, 9.0)]),
            Line(&[(14.7, 21.0), (14.7, 11.5)]),
            Line(&[(20.0, 21.0), (20.0, 3.0)]),
        ],
        Icon::Reports => &[
            Line(&[(14.0, 2.5), (5.0, 2.5), (5.0, 21.5), (19.0, 21.5), (19.0, 7.5), (14.0, 2.5), (14.0, 7.5), (19.0, 7.5)]),
            Line(&[(8.5, 12.5), (15.5, 12.5)]),
            Line(&[(8.5, 16.8), (15.5, 16.8)]),
        ],
        Icon::Queue => &[
            Line(&[
                (3.0, 13.0),
                (3.0, 20.5),
                (21.0, 20.5),
                (21.0, 13.0),
                (15.5, 13.0),
                (14.0, 16.0),
                (10.0, 16.0),
                (8.5, 13.0),
                (3.0, 13.0),
            ]),
            Line(&[(12.0, 2.5), (12.0, 11.0)]),
            Line(&[(8.3, 6.2), (12.0, 2.5), (15.7, 6.2)]),
        ],
        Icon::Connection => &[
            Closed(&[(4.0, 3.0), (20.0, 3.0), (20.0, 9.0), (4.0, 9.0)]),
            Dot(7.5, 6.0, 1.2),
            Line(&[(12.0, 9.0), (12.0, 18.0)]),
            Circle(12.0, 19.3, 2.0),
            Line(&[(3.0, 19.3), (9.5, 19.3)]),
            Line(&[(14.5, 19.3), (21.0, 19.3)]),
        ],
        Icon::Instances => &[Closed(&[(7.5, 7.5), (21.0, 7.5), (21.0, 21.0), (7.5, 21.0)]), Line(&[(16.5, 3.0), (3.0, 3.0), (3.0, 16.5)])],
        Icon::About => &[Circle(12.0, 12.0, 9.3), Line(&[(12.0, 11.0), (12.0, 17.0)]), Dot(12.0, 7.4, 1.35)],
        Icon::Live => &[Line(&[(2.0, 13.0), (6.5, 13.0), (9.5, 4.5), (14.5, 20.0), (17.5, 13.0), (22.0, 13.0)])],
        Icon::Alerts => &[Closed(&[(12.0, 3.5), (22.0, 20.5), (2.0, 20.5)]), Line(&[(12.0, 9.5), (12.0, 14.5)]), Dot(12.0, 17.4, 1.2)],
        Icon::Me => &[Circle(12.0, 8.0, 4.6), Arc((12.0, 22.5), 8.3, (0.53, 0.97))],
        Icon::Users => &[
            Circle(9.0, 8.5, 4.2),
            Arc((9.0, 22.5), 7.6, (0.53, 0.97)),
            Arc((16.0, 8.5), 4.2, (0.78, 1.22)),
            Arc((15.0, 22.5), 7.6, (0.82, 0.96)),
        ],
        Icon::Key => &[
            Circle(7.5, 16.5, 4.6),
            Line(&[(10.8, 13.2), (21.0, 3.0)]),
            Line(&[(17.2, 6.8), (20.8, 10.4)]),
            Line(&[(13.8, 10.2), (16.2, 12.6)]),
        ],
        Icon::Audit => &[
            Closed(&[(5.0, 4.5), (19.0, 4.5), (19.0, 21.5), (5.0, 21.5)]),
            Line(&[(9.0, 2.5), (15.0, 2.5)]),
            Line(&[(8.5, 13.2), (11.0, 15.8), (15.6, 10.4)]),
        ],
        Icon::SignOut => &[
            Line(&[(10.0, 3.5), (4.0, 3.5), (4.0, 20.5), (10.0, 20.5)]),
            Line(&[(9.5, 12.0), (20.5, 12.0)]),
            Line(&[(16.3, 7.7), (20.5, 12.0), (16.3, 16.3)]),
        ],
        Icon::Chat => &[
            Closed(&[(3.0, 3.5), (21.0, 3.5), (21.0, 16.5), (11.5, 16.5), (6.5, 21.0), (6.5, 16.5), (3.0, 16.5)]),
            Line(&[(7.5, 8.0), (16.5, 8.0)]),
            Line(&[(7.5, 12.0), (13.5, 12.0)]),
        ],
        Icon::Eye => &[EYE_UPPER, EYE_LOWER, Circle(12.0, 12.0, 3.2)],
        Icon::EyeOff => &[EYE_UPPER, EYE_LOWER, Circle(12.0, 12.0, 3.2), Line(&[(4.0, 20.0), (20.0, 4.0)])],
        Icon::Backspace => &[
            Closed(&[(8.5, 5.0), (22.0, 5.0), (22.0, 19.0), (8.5, 19.0), (2.0, 12.0)]),
            Line(&[(12.0, 9.0), (18.0, 15.0)]),
            Line(&[(18.0, 9.0), (12.0, 15.0)]),
        ],
        Icon::Enter => &[Line(&[(20.0, 5.0), (20.0, 14.0), (4.5, 14.0)]), Line(&[(9.0, 9.2), (4.2, 14.0), (9.0, 18.8)])],
        Icon::Shift => &[Closed(&[(12.0, 3.0), (21.0, 12.5), (16.3, 12.5), (16.3, 20.5), (7.7, 20.5), (7.7, 12.5), (3.0, 12.5)])],
        Icon::Search => &[Circle(10.5, 10.5, 6.7), Line(&[(15.4, 15.4), (21.2, 21.2)])],
        Icon::Copy => &[
            Closed(&[(8.5, 8.0), (20.5, 8.0), (20.5, 21.5), (8.5, 21.5)]),
            Line(&[(15.5, 8.0), (15.5, 2.5), (3.5, 2.5), (3.5, 16.0), (8.5, 16.0)]),
        ],
        Icon::Folder => &[Closed(&[(2.5, 4.5), (9.5, 4.5), (11.5, 7.5), (21.5, 7.5), (21.5, 19.5), (2.5, 19.5)])],
        Icon::Plus => &[Line(&[(12.0, 4.0), (12.0, 20.0)]), Line(&[(4.0, 12.0), (20.0, 12.0)])],
        Icon::Close => &[Line(&[(5.0, 5.0), (19.0, 19.0)]), Line(&[(19.0, 5.0), (5.0, 19.0)])],
        Icon::Check => &[Line(&[(4.0, 12.8), (9.5, 18.3), (20.0, 6.0)])],
        Icon::More => &[Dot(5.0, 12.0, 1.9), Dot(12.0, 12.0, 1.9), Dot(19.0, 12.0, 1.9)],
        Icon::Menu => &[Line(&[(3.0, 6.0), (21.0, 6.0)]), Line(&[(3.0, 12.0), (21.0, 12.0)]), Line(&[(3.0, 18.0), (21.0, 18.0)])],
        Icon::Left => &[Line(&[(15.0, 4.5), (7.5, 12.0), (15.0, 19.5)])],
        Icon::Right => &[Line(&[(9.0, 4.5), (16.5, 12.0), (9.0, 19.5)])],
        Icon::Up => &[Line(&[(4.5, 15.5), (12.0, 8.0), (19.5, 15.5)])],
        Icon::Down => &[Line(&[(4.5, 8.5), (12.0, 16.0), (19.5, 8.5)])],
    }
}

/// The lids: two arcs that meet at the corners of the eye.
const EYE_UPPER: Part = Arc((12.0, 19.6), 12.6, (0.605, 0.895));
const EYE_LOWER: Part = Arc((12.0, 4.4), 12.6, (0.105, 0.395));

#[cfg(test)]
mod tests {
    use eframe::egui::pos2;

    use super::*;

    #[test]
    fn every_icon_stays_on_its_grid() {
        let inside = |x: f32, y: f32, radius: f32| {
            let range = WIDTH / 2.0 + radius..=GRID - WIDTH / 2.0 - radius;
            range.contains(&x) && range.contains(&y)
        };
        for icon in Icon::ALL {
            for part in parts(icon) {
                let good = match part {
                    Line(points) | Closed(points) => points.iter().all(|&(x, y)| inside(x, y, 0.0)),
                    Circle(x, y, radius) | Dot(x, y, radius) => inside(*x, *y, *radius),
                    Arc(center, radius, (from, to)) => {
                        arc(pos2(center.0, center.1), *radius, *from, *to).iter().all(|at| inside(at.x, at.y, 0.0))
                    }
                };
                assert!(good, "{icon:?}");
            }
        }
    }
}
