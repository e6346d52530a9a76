// What is wrong with a page for somebody who reads it with weak eyes, with a finger, or with a screen reader.
// Contrast 4.5 : 1 (WCAG 2.2, 1.4.3), targets of 44 px (2.5.5), a name for each control (4.1.2).
() => {
    const wrong = [];
    const rgb = (text) => text.match(/[\d.]+/g).map(Number);
    const light = (colour) => colour.slice(0, 3).map((c) => c / 255)
        .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = (one) => {
        for (let up = one; up; up = up.parentElement) {
            const colour = rgb(getComputedStyle(up).backgroundColor);
            if (colour.length === 3 || colour[3] === 1) return colour;
        }
        return [255, 255, 255];
    };
    const contrast = (one) => {
        const [high, low] = [light(rgb(getComputedStyle(one).color)), light(ground(one))].sort((a, b) => b - a);
        return (high + 0.05) / (low + 0.05);
    };
    const blame = (one, what) => wrong.push(`${what}: ${one.outerHTML.slice(0, 90)}`);
    const isSeen = (one) => one.checkVisibility({ visibilityProperty: true }) && !one.closest('svg, noscript, .unseen');

    for (const one of [...document.querySelectorAll('body *')].filter(isSeen)) {
        const says = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
        if (says && contrast(one) < 4.5) blame(one, `contrast ${contrast(one).toFixed(2)}`);
        if (!one.matches('a, button, input, select, textarea')) continue;
        const { width, height } = (one.closest('label') ?? one).getBoundingClientRect();
        const isInText = one.matches('p a, small a, .link');
        if (!isInText && (width < 44 || height < 44)) blame(one, `target of ${width} x ${height}`);
        const name = one.getAttribute('aria-label') || one.textContent.trim() || one.labels?.[0]?.textContent.trim();
        if (!name) blame(one, 'no name');
    }
    const { scrollWidth } = document.documentElement;
    if (scrollWidth > innerWidth) wrong.push(`the page is ${scrollWidth} px wide`);
    return wrong;
}
