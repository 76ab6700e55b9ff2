"""Checks of an open page in light, dark and on a phone: axe finds no violation, and nothing leaves its box sideways."""

from __future__ import annotations

from importlib.resources import files

from tests.report.driver import Browser

LOOKS = {"light": (1280, "light"), "dark": (1280, "dark"), "phone": (360, "light"), "dark phone": (360, "dark")}

# A label that its accessible name leaves out is off by default in axe; speech control cannot name such a button.
_RUN_AXE = """
    const [coloursAlone] = given;
    const {violations} = await axe.run(document, {
        resultTypes: ['violations'],
        ...(coloursAlone
            ? {runOnly: ['color-contrast', 'link-in-text-block']}
            : {rules: {'label-content-name-mismatch': {enabled: true}}}),
    });
    const words = (id, {target, failureSummary}) => `${id}: ${target.join(' ')}: ${failureSummary}`;
    return violations.flatMap(({id, nodes}) => nodes.map((node) => words(id, node)));
"""
# What has content wider than itself and neither scrolls nor cuts it, and what reaches beyond the window.
_TOO_WIDE = """
    const wide = document.documentElement.clientWidth;
    const scrolls = (one) => one && (getComputedStyle(one).overflowX !== 'visible' || scrolls(one.parentElement));
    const seen = [...document.body.querySelectorAll('*')].filter((one) => one.checkVisibility() && !one.closest('svg'));
    return seen.filter((one) => {
        const box = one.getBoundingClientRect();
        if (box.right > wide + 1 && !scrolls(one.parentElement)) return true;
        const {clientWidth, scrollWidth} = one;
        return clientWidth && scrollWidth > clientWidth + 1 && getComputedStyle(one).overflowX === 'visible';
    }).map((one) => `wider than its box: ${one.outerHTML.slice(0, 160)}`);
"""


def look(browser: Browser, name: str) -> None:
    """Shows the page as one of `LOOKS`, and waits until it is drawn so."""
    width, scheme = LOOKS[name]
    metrics = {"width": width, "height": browser.height, "deviceScaleFactor": 1, "mobile": False}
    browser._devtools("Emulation.setDeviceMetricsOverride", metrics)
    # Colours are measured as they stand at the end, not on their way there.
    features = [
        {"name": "prefers-color-scheme", "value": scheme},
        {"name": "prefers-reduced-motion", "value": "reduce"},
    ]
    browser._devtools("Emulation.setEmulatedMedia", {"features": features})
    browser.run(
        "await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));"
        "await Promise.all(document.getAnimations().map((one) => one.playState === 'running' && one.finished));"
    )


def problems(browser: Browser, *, colours_alone: bool = False) -> list[str]:
    """What is wrong with the page as it is shown now; in dark nothing but its colours differs."""
    if not browser.run("return Boolean(window.axe);"):
        browser.run(files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8") + "; window.axe = axe;")
    return [*browser.run(_RUN_AXE, colours_alone), *([] if colours_alone else browser.run(_TOO_WIDE))]


def assert_accessible(browser: Browser, where: str = "the page") -> None:
    """Fails with all that is wrong with the open page, in each of `LOOKS`.

    Args:
        browser: With the page open, in the state that is to be checked.
        where: What the page is called in the message.
    """
    wrong = []
    for name in LOOKS:
        look(browser, name)
        wrong += [f"{where}, {name}: {one}" for one in problems(browser, colours_alone="dark" in name)]
    assert not wrong, "\n".join(wrong)
