"""Pages in a real browser: nothing in the data ever runs, and everything lights up as it should."""

from __future__ import annotations

from pathlib import Path

import pytest

from relata import Answer, Box, Example, Group, Message, Region, Relation, Scene
from relata.chat import ImageRef, Preference
from relata.edits import Add, Describe, Edit, Looks, Remove, Rename
from relata.grounded import Mention, Predicate, Text
from relata.scene import Link, Record, encode
from relata.view import graph, view
from relata.view.report import Code, Curve, Gallery, Prose, Section, Table, report

from .browser import Browser
from .samples import CIRCLE, SQUARE, picture_bytes

#: Each sets the title of the page if any part of the page lets it run.
HOSTILE = [
    "</script><script>document.title='hit'</script>",
    "</SCRIPT ><script>document.title='hit'//",
    "<img src=x onerror=\"document.title='hit'\">",
    "<svg onload=document.title='hit'>",
    "<svg><script>document.title='hit'</script></svg>",
    "javascript:document.title='hit'",
    "\" onmouseover=\"document.title='hit'\" autofocus onfocus=\"document.title='hit'",
    "' onfocus='document.title=\"hit\"' tabindex=1 '",
    "<!--<script>document.title='hit'</script>",
    "]]><script>document.title='hit'</script>",
    "<iframe srcdoc=\"<script>parent.document.title='hit'</script>\">",
    "<style>@import 'http://127.0.0.1:9/x.css';*{background:url(http://127.0.0.1:9/x)}</style>",
    "<link rel=stylesheet href=http://127.0.0.1:9/x.css><base href=http://127.0.0.1:9/>",
    "<meta http-equiv=refresh content=\"0;url=javascript:document.title='hit'\">",
    "${document.title='hit'}`+(document.title='hit')+`{{constructor.constructor('document.title=1')()}}",
    "\u202eevil\u202c <bdo dir=rtl>\u2028document.title='hit'\u2029",
    "null \x00 <\x00script>document.title='hit'</\x00script>",
    "&lt;script&gt;document.title='hit'&lt;/script&gt; &#60;img src=x onerror=document.title='hit'&#62;",
    "__proto__",
    "constructor",
    "\\u003cscript\\u003edocument.title='hit'\\u003c/script\\u003e",
]


def hostile_records(text: str, image: str) -> tuple[Scene, Group, Example, Preference, Edit]:
    """A record of each kind with `text` in every place that holds text; the edit is of the scene."""
    regions = (
        Region(0, text, CIRCLE, attributes=(text,), description=text, identity=text),
        Region(1, text, SQUARE),
    )
    relations = (Relation(0, text, 1, kind="spatial", source=text), Relation(1, text, 1))
    scene = Scene(text, image, 128, 96, regions, relations, (text,), (text,), provenance={text: text, "url": text})
    group = Group(text, (scene, scene), (Link((0, 0), (1, 0), text),), None, {text: text}, (text,))
    spans = (Text(text), Mention(text, (CIRCLE, SQUARE)), Predicate(text, (CIRCLE,), (SQUARE,)), Mention("", (CIRCLE,)))
    messages = tuple(Message(role, spans) for role in ("system", "user", "assistant"))
    images, about = (ImageRef(image, 128, 96),), {text: text}
    example = Example(text, images, messages, recipe=text, provenance=about)
    worse = (*spans, Text(f" {text}"))
    preference = Preference(text, images, messages[1:2], spans, worse, recipe=text, provenance=about)
    new = relations[0].replace(predicate=f"{text} too")
    changes = (
        *(Remove(0, relations[0], text), Rename(1, relations[1], new.replace(subject=1, object=1), text)),
        *(Add(1, new, text), Describe(0, Looks(text), Looks(text, (text,), text), text)),
    )
    return scene, group, example, preference, Edit(text, text, changes, text, about)


def write(path: Path, records: list[Record]) -> Path:
    path.write_bytes(b"\n".join(map(encode, records)))
    return path


def assert_nothing_ran(browser: Browser, page: Path, title: str) -> None:
    """Open a page, poke at all of it, and look whether anything happened that only the data could have asked for."""
    browser.open(page)
    browser.run(
        "document.querySelectorAll('button, .step, .box, summary, .chart').forEach(e => {"
        " for (const kind of ['mouseenter', 'pointermove', 'focus', 'click', 'mouseleave'])"
        "   e.dispatchEvent(new MouseEvent(kind, {bubbles: true, clientX: 5, clientY: 5})); })"
    )
    assert browser.run("document.title") == title
    assert browser.run("document.querySelectorAll('script, iframe, link, base, object, embed, form').length") == 2
    assert browser.run("document.querySelectorAll('meta').length") == 5
    own = "[...document.querySelectorAll('*')].flatMap(e => [...e.attributes]).filter(a => a.name.startsWith('on'))"
    assert browser.run(f"{own}.length") == 0
    links = browser.run("[...document.querySelectorAll('[href]')].map(e => e.getAttribute('href'))")
    assert all(link.startswith("#") or link.endswith(".html") for link in links)
    assert browser.errors() == []
    assert all(url.startswith((page.parent.resolve().as_uri(), "data:image/")) for url in browser.requested())


def test_no_text_in_records_ever_runs(browser: Browser, photos: Path, tmp_path: Path) -> None:
    names = {}
    for text in HOSTILE:
        names[text] = text.replace("/", "_").replace("\x00", "_")[:80] + ".png"
        (photos / names[text]).write_bytes(picture_bytes())
    for place in range(5):
        records: list[Record] = [hostile_records(text, image)[place] for text, image in names.items()]
        records += [hostile_records(text, text)[place] for text in HOSTILE]  # as file names that do not exist
        write(tmp_path / "scenes.jsonl", [hostile_records(text, image)[0] for text, image in names.items()])
        page = view(write(tmp_path / f"{place}.jsonl", records), tmp_path / f"out{place}", images=photos)
        assert_nothing_ran(browser, page, f"{place}.jsonl")
        shown = browser.run("[...document.querySelectorAll('.item h3 bdi')].map(e => e.textContent)")
        assert shown[2] == "<img src=x onerror=\"document.title='hit'\">"  # the text is there, as text
        named = len(HOSTILE) - 1  # one is an address, which is never read
        images = [named, 2 * named, named, named, 2 * named][place]  # both edits of a scene are drawn on it
        assert browser.run("document.querySelectorAll('.frame img').length") == images


def test_what_an_edit_did_has_its_colour(browser: Browser, photos: Path, scene: Scene, tmp_path: Path) -> None:
    one, two, _ = scene.relations
    changes = (Remove(0, one, "not so"), Rename(1, two, two.replace(predicate="under")), Add(2, Relation(1, "near", 0)))
    write(photos / "scenes.jsonl", [scene])
    page = view(write(photos / "edits.jsonl", [Edit("e", "one", changes)]), tmp_path / "out")
    browser.open(page)
    rows = browser.run("[...document.querySelectorAll('.triplet')].map(row => [...row.classList].pop())")
    assert rows == ["removed", "renamed", "added", "step"]
    assert browser.run("document.querySelector('.renamed del').textContent") == "right of"
    browser.point(".all-edges", click=True)
    strokes = browser.run("[...document.querySelectorAll('.edge')].map(edge => getComputedStyle(edge).stroke)")
    assert len(set(strokes)) == 4
    assert strokes[:3] == ["rgb(194, 51, 43)", "rgb(138, 90, 0)", "rgb(18, 128, 92)"]  # red, brown, green
    assert browser.errors() == []


def test_two_answers_stand_side_by_side(browser: Browser, photos: Path, tmp_path: Path) -> None:
    circle, square = Mention("circle", (CIRCLE,)), Mention("square", (SQUARE,))
    asked = Message("user", (Text("Where is the "), circle, Text("?")))
    better = (Text("The "), circle, Text(" is "), Predicate("on", (CIRCLE,), (SQUARE,)), square)
    worse = (*better[:3], Predicate("under", (CIRCLE,), (SQUARE,)), square)
    record = Preference("p", (ImageRef("a.png", 128, 96),), (asked,), better, worse)
    browser.open(view(write(photos / "pairs.jsonl", [record]), tmp_path / "out"))
    tops = browser.run("['chosen', 'rejected'].map(c => document.querySelector('.' + c).getBoundingClientRect().top)")
    assert tops[0] == tops[1]
    assert browser.run("[...document.querySelectorAll('.differs')].map(e => e.textContent)") == ["on", "under"]
    assert browser.run("document.querySelector('.triplet.rejected .predicate').textContent") == "under"


def test_no_text_in_reports_ever_runs(browser: Browser, photos: Path, tmp_path: Path) -> None:
    sections: list[Section] = []
    for text in HOSTILE:
        scene = hostile_records(text, text)[0]
        sections += [Prose(text, text), Code(text, text), Table(text, (text, "n"), ((text, 1),), text)]
        sections += [Curve(text, {text: [(0, 1), (1, 2)]}, text, text), Gallery(text, (scene,) * 4, photos)]
    page = report(tmp_path / "report", sections, title=HOSTILE[0])
    assert_nothing_ran(browser, page, HOSTILE[0])
    answers = write(tmp_path / "answers.jsonl", [Answer(text, text, model=text) for text in HOSTILE])
    assert_nothing_ran(browser, view(answers, tmp_path / "answers"), "answers.jsonl")


@pytest.mark.parametrize("text", HOSTILE[:15:2])
def test_no_text_in_a_graph_ever_runs(browser: Browser, text: str, tmp_path: Path) -> None:
    scene = hostile_records(text, text)[0]
    drawing = tmp_path / "graph.svg"
    drawing.write_text(graph.svg(scene, picture_bytes()))
    browser.open(drawing)
    assert browser.run("document.querySelectorAll('script, foreignObject, a, use').length") == 0
    assert browser.run("document.title") != "hit"
    assert browser.errors() == []
    page = tmp_path / "graph.html"
    page.write_text(graph.html(scene, picture_bytes()))
    assert_nothing_ran(browser, page, text)


@pytest.fixture
def scene_page(browser: Browser, photos: Path, scene: Scene, tmp_path: Path) -> Browser:
    """A page with three scenes; the second has no relation `above`, the third only that."""
    second = scene.replace(id="two", image="b.png", relations=scene.relations[:2], captions=())
    third = scene.replace(id="three", relations=scene.relations[2:])
    browser.open(view(write(tmp_path / "s.jsonl", [scene, second, third]), tmp_path / "out", images=photos))
    return browser


def texts(browser: Browser, selector: str) -> list[str]:
    found: list[str] = browser.run(f"[...document.querySelectorAll(`{selector}`)].map(e => e.textContent)")
    return found


def test_pictures_are_loaded_and_boxes_lie_on_them(scene_page: Browser) -> None:
    assert scene_page.errors() == []
    # pictures are loaded lazily: wait for this one, or for its failure
    loaded = "(i => i.decode().then(() => i.naturalWidth, () => 0))(document.querySelector('.frame img'))"
    assert scene_page.run(loaded) == 128
    # the square is at 70..120 of 128 and 40..90 of 96
    share = (
        "(() => { const frame = document.querySelector('.frame'), f = frame.getBoundingClientRect();"
        " const boxes = [...frame.querySelectorAll('.box')].map(e => e.getBoundingClientRect());"
        " const b = boxes.sort((p, q) => q.left - p.left)[0];"
        "return [(b.left - f.left) / f.width, (b.top - f.top) / f.height, b.width / f.width, b.height / f.height]; })()"
    )
    assert scene_page.run(share) == pytest.approx([70 / 128, 40 / 96, 50 / 128, 50 / 96], abs=0.005)


def test_the_name_of_a_small_box_lies_beside_it_and_in_the_picture(
    browser: Browser, photos: Path, tmp_path: Path
) -> None:
    small = (Box(60, 0, 63, 3), Box(60, 46, 63, 49), Box(120, 93, 123, 96), Box(0, 20, 3, 23))
    regions = (*(Region(k, "small circle", box) for k, box in enumerate(small)), Region(9, "square", SQUARE))
    scene = Scene("small", "a.png", 128, 96, regions)
    browser.open(view(write(tmp_path / "s.jsonl", [scene]), tmp_path / "out", images=photos))
    script = (
        "(() => { const f = document.querySelector('.frame').getBoundingClientRect();"
        " return [...document.querySelectorAll('.box')].map(e => { const b = e.getBoundingClientRect();"
        " const t = e.querySelector('.tag').getBoundingClientRect();"
        " return [t.bottom <= b.top || t.top >= b.bottom, t.top >= f.top - 3 && t.bottom <= f.bottom + 3,"
        " t.left >= f.left - 3 && t.right <= f.right + 3].map(Number).join(''); }); })()"
    )
    assert sorted(browser.run(script)) == ["011", "111", "111", "111", "111"]  # that of the square lies in it


def test_a_box_lights_its_edges_and_a_click_keeps_only_them(scene_page: Browser) -> None:
    assert texts(scene_page, ".edge-label") == []
    scene_page.point(".item .box")
    assert texts(scene_page, ".edge-label") == ["left of", "right of", "above"]
    assert len(texts(scene_page, ".triplet.lit")) == 3
    scene_page.point("h1")
    assert texts(scene_page, ".edge-label") == []
    scene_page.point(".item .triplet:nth-child(2)", click=True)
    scene_page.point("h1")
    assert texts(scene_page, ".item:first-child .triplet:not([hidden]) .predicate") == ["right of"]
    assert texts(scene_page, ".edge-label") == ["right of"]
    scene_page.point(".item .unpin", click=True)
    scene_page.point("h1")
    assert len(texts(scene_page, ".item:first-child .triplet:not([hidden])")) == 3


def test_chips_count_and_filter_by_predicate(scene_page: Browser) -> None:
    assert texts(scene_page, ".chip") == ["above2", "left of2", "right of2"]
    scene_page.point(".chip:nth-child(1)", click=True)
    assert texts(scene_page, ".item:not([hidden]) h3 bdi") == ["one", "three"]
    assert texts(scene_page, ".item:not([hidden]) .triplet:not([hidden]) .predicate") == ["above", "above"]
    assert texts(scene_page, ".status") == ["2 of 3 shown"]
    scene_page.point(".item .box")
    assert texts(scene_page, ".edge-label") == ["above"]
    scene_page.point(".chip:nth-child(1)", click=True)
    assert len(texts(scene_page, ".item:not([hidden])")) == 3


def test_search_finds_captions_and_labels(scene_page: Browser) -> None:
    for words, found in (("caption", []), ("A CIRCLE and", ["one", "three"]), ("green", ["one", "two", "three"])):
        scene_page.run(
            "(() => { const e = document.querySelector('.search');"
            f" e.value = '{words}'; e.dispatchEvent(new Event('input')); }})()"
        )
        assert texts(scene_page, ".item:not([hidden]) h3 bdi") == found


def test_all_edges_and_the_keyboard(scene_page: Browser) -> None:
    scene_page.key("e")
    assert texts(scene_page, ".item:nth-child(2) .edge-label") == ["left of", "right of"]
    scene_page.key("e")
    for _ in range(2):
        scene_page.key("j")
    assert scene_page.run("document.activeElement.querySelector('h3 bdi').textContent") == "two"
    scene_page.key("k")
    for _ in range(3):
        scene_page.key("ArrowDown")  # two objects, then the first triplet
    assert texts(scene_page, ".edge-label") == ["left of"]
    scene_page.key("/")
    assert scene_page.run("document.activeElement.type") == "search"


def test_mentions_and_boxes_light_each_other(browser: Browser, example: Example, photos: Path, tmp_path: Path) -> None:
    browser.open(view(write(tmp_path / "e.jsonl", [example]), tmp_path / "out", images=photos))
    color = browser.run("getComputedStyle(document.querySelector('.mention')).getPropertyValue('--color')")
    assert color == browser.run("document.querySelector('.frame .box:last-of-type').style.getPropertyValue('--color')")
    browser.point(".assistant .mention")  # "Both shapes"
    assert browser.run("document.querySelectorAll('.box.core').length") == 2
    browser.point(".told")
    assert texts(browser, ".edge-label") == ["left of"]
    browser.point("figure:nth-child(2) .box")  # the blue circle of image 2
    assert texts(browser, ".mention.lit bdi") == ["the circle"]


def test_linked_objects_of_two_images_light_together(
    browser: Browser, group: Group, photos: Path, tmp_path: Path
) -> None:
    browser.open(view(write(tmp_path / "g.jsonl", [group]), tmp_path / "out", images=photos))
    tops = "[...document.querySelectorAll('.frame')].map(e => Math.round(e.getBoundingClientRect().top))"
    assert len(set(browser.run(tops))) == 1  # side by side
    browser.point("figure:nth-child(2) .objects, figure:nth-child(2) .box:last-of-type")
    assert len(browser.run("[...document.querySelectorAll('.box.lit')].map(e => 1)")) == 2
    assert browser.run("document.querySelectorAll('.overlay .link').length") == 1


def test_a_hundred_and_twenty_edges_can_be_used(browser: Browser, photos: Path, tmp_path: Path) -> None:
    regions = tuple(Region(i, f"thing {i}", Box(4 * i, 2 * i, 4 * i + 8, 2 * i + 10)) for i in range(30))
    relations = tuple(Relation(i % 30, f"relation {i % 25}", (7 * i + 1) % 30) for i in range(120))
    crowd = Scene("crowd", "a.png", 128, 96, regions, relations)
    browser.open(view(write(tmp_path / "c.jsonl", [crowd]), tmp_path / "out", images=photos))
    assert len(texts(browser, ".triplet")) == 120
    assert len(texts(browser, ".chip")) == 25
    browser.key("e")
    assert browser.run("document.querySelectorAll('.overlay .edge').length") == 120
    assert texts(browser, ".edge-label") == []  # too many to read at once
    browser.point(".object:nth-child(5)")
    near = [e for e in relations if 4 in (e.subject, e.object)]
    assert len(texts(browser, ".edge-label")) == len(near)
    browser.point("h1")
    browser.point(".chip:nth-child(3)", click=True)
    assert browser.run("document.querySelectorAll('.overlay .edge').length") == 5
    assert browser.errors() == []


def test_curves_are_drawn_with_gaps(browser: Browser, tmp_path: Path) -> None:
    loss = [(0.0, 3.0), (1.0, 2.0), (2.0, float("nan")), (3.0, 1.5), (4.0, 1.0)]
    curve = Curve("Learning", {"loss": loss, "flat": [(0.0, 1.0), (4.0, 1.0)]}, "step", "loss")
    browser.open(report(tmp_path / "r", [Prose("a", "b"), curve, Curve("Nothing yet", {}, "x", "y")]))
    path = browser.run("document.querySelector('.chart .line').getAttribute('d')")
    assert path.count("M") == 2  # the pen is lifted once, over the gap
    assert path.count("L") == 2
    assert "NaN" not in browser.run("document.querySelector('.chart').outerHTML")
    browser.point(".chart")
    assert texts(browser, ".legend .value")[0].endswith(("at 1", "at 3"))
    assert browser.errors() == []


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [380, 1400])
def test_pages_fit_narrow_and_wide_windows(
    browser: Browser, scene: Scene, photos: Path, tmp_path: Path, width: int, dark: bool
) -> None:
    page = view(write(tmp_path / "s.jsonl", [scene]), tmp_path / "out", images=photos)
    browser.open(page, width=width, dark=dark)
    assert browser.run("document.documentElement.scrollWidth") <= width
    ground = browser.run("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(16, 19, 24)" if dark else "rgb(245, 246, 248)")
