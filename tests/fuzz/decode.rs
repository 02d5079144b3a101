//! Taking layers of writing off: what comes out is no longer than it can be, and leads back to a
//! place in the text.

use std::ops::Range;

use git_frisk::decode::View;
use git_frisk::decode::dump;
use git_frisk::decode::escape::blank;
use git_frisk::decode::escape::readings;
use git_frisk::decode::escape::reread;
use git_frisk::decode::escape::unescape;
use git_frisk::decode::join::join;
use git_frisk::decode::token;
use git_frisk::decode::values::values;
use git_frisk::decode::wide;
use git_frisk::decode::wide::Wide;

use super::Input;
use super::Target;
use super::quickly;

/// How far a run of wide text is followed to either side.
const REACH: usize = 600;

/// The target.
pub const TARGET: Target = Target {
    name: "decode",
    check,
    seeds,
};

/// Takes a place in a text and the text.
pub fn check(data: &[u8]) {
    let mut input = Input(data);
    let place = input.number();
    let text = input.0;
    quickly(|| {
        views(text);
        dumps(text, place);
        digits(text);
        wide(text, place);
    });
}

fn views(text: &[u8]) {
    let plain = View::of(text);
    leads_back(&plain, text, "a view");
    let blanked = blank(&plain);
    assert!(blanked.bytes().len() <= text.len());
    leads_back(&blanked, text, "blanked");
    leads_back(&join(&blanked), text, "joined, blanked");
    leads_back(&join(&plain), text, "joined");
    if let Some(joined) = values(&plain, b"sk-") {
        leads_back(&joined, text, "values");
        assert!(joined.boundaries().len() <= joined.seams().len());
    }
    for reading in readings(&plain) {
        let reread = reread(&plain, reading).expect("it was told");
        leads_back(&reread, text, "read otherwise");
    }
    let mut view = plain;
    for _ in 0..4 {
        let Some(unescaped) = unescape(&view) else {
            break;
        };
        assert!(unescaped.bytes().len() <= view.bytes().len());
        leads_back(&unescaped, text, "unescaped");
        leads_back(&join(&unescaped), text, "unescaped, joined");
        view = unescaped;
    }
}

fn dumps(text: &[u8], place: usize) {
    let at = place % (text.len() + 1);
    if let Some((view, known)) = dump::around(text, at) {
        assert!(
            known >= at && known <= text.len(),
            "a dump: known to {known}"
        );
        leads_back(&view, text, "a dump");
    }
}

/// Insists on every byte of a view coming from the text, in its order.
fn leads_back(view: &View, text: &[u8], what: &str) {
    let length = view.bytes().len();
    let mut before = 0;
    for at in 0..length {
        let source = view.source(&(at..at + 1));
        assert!(source.start < source.end, "{what}: from nothing");
        assert!(source.start >= before, "{what}: out of order");
        assert!(source.end <= text.len(), "{what}: from beyond the end");
        before = source.start;
        let _ = view.layers(&(at..length.min(at + 3)));
        let _ = view.ends_piece(at);
    }
    let _ = view.ends_piece(length);
    assert!(view.seams().is_sorted(), "{what}: the seams");
    assert!(view.seams().iter().all(|seam| *seam <= length));
}

fn digits(text: &[u8]) {
    for wanted in [false, true] {
        let mut sum = 0;
        token::runs(text, |decoded| {
            let length = decoded.bytes.len();
            sum += length;
            let whole = decoded.whole();
            inside(&whole, text);
            for span in [
                0..length,
                0..length.min(1),
                length / 2..length,
                length..length,
            ] {
                let source = decoded.source(&span);
                inside(&source, text);
            }
            assert!(!decoded.layers().is_empty());
            wanted
        });
        // Each run is decoded in a few ways: four alignments, two halves, with and without breaks.
        assert!(sum <= 64 * text.len(), "{sum} bytes of {}", text.len());
    }
}

fn inside(range: &Range<usize>, text: &[u8]) {
    assert!(range.start <= range.end && range.end <= text.len());
}

fn wide(text: &[u8], place: usize) {
    if let Some(wide) = Wide::sniff(text) {
        assert!(wide.decode(text).len() <= text.len() * 3 / 2 + 3);
        let at = place % (text.len() + 1);
        let boundary = wide.boundary(text, at);
        assert!(boundary <= at && at - boundary <= 5);
        let parts = [
            wide.decode(&text[..boundary]),
            wide.decode(&text[boundary..]),
        ]
        .concat();
        // A byte-order mark at a start is no character.
        assert!(wide.decode(text).len() >= parts.len());
    }
    if text.is_empty() {
        return;
    }
    // Its callers look around a letter.
    let from = place % text.len();
    let Some(at) = (from..text.len()).find(|at| text[*at].is_ascii_alphanumeric()) else {
        return;
    };
    for unit in [2, 4] {
        let (view, range, _) = wide::run_around(text, at, unit, REACH);
        inside(&range, text);
        assert!(range.len() <= 2 * (REACH + 2) * unit + 8);
        for at in 0..view.bytes().len() {
            let source = view.source(&(at..at + 1));
            assert!(source.end <= range.len());
        }
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let texts: [&[u8]; 13] = [
        br"a = '\u0041\x42\103%44&#69;&#x46;=47\u{48}&lowbar;' \",
        b"x = 'abc' + \"def\" \\\n  . 'ghi'; <b>jk</b>=\r\nlm\n  # no\n",
        b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0NTY3ODk=",
        b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVph\n  YmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAx\n  MjM0NTY3ODk=\n",
        b"4142434445464748494a4b4c4d4e4f505152535455565758595a6162636465666768696a6b6c6d6e6f",
        b"QUJDREVGR0hJSktMTU5PUFFSU1RVVl%2BdYWVphYmNk\\/ZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0NTY3ODk%3D",
        b"= =?utf-8?b?+UJDREVGR0hJSktMTU5PUFFSU1RVVldYWVph?=\n =?utf-8?B?+mNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5?=\n",
        b"p1 = 'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVph';\np2 = 'YmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAx';\np3 = 'MjM0';\n",
        b"0000: 61 62 63 64  abcd\n0004: 65 66 67 68  efgh\n0008: 69-6a\n",
        b"A=sk-1Xyz2W3v\nB_2 = 'X1y2z3W4'\n\\045\\2d ^^2d\\u45?\\char45 \\o{55}",
        b"\xff\xfea\0b\0c\0\xe9\0\x3d\xd8\x00\xde",
        b"\0\0\xfe\xff\0\0\0a\0\0\0b\0\x01\xf6\0",
        b"\x01\x02zz\0a\0b\0c\0d\0e\0f\0g\0h\0 \0=\0\xff\xfe",
    ];
    texts.iter().map(|text| [&[0, 9], *text].concat()).collect()
}
