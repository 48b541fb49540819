// In the sandboxed frame: text in, a picture out. Nothing here knows who asks, and nothing leaves
// but by the message that answers.
(() => {
  "use strict";
  const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif';
  const THEMES = {
    light: {
      darkMode: false, background: "#ffffff", mainBkg: "#e6f2f2", primaryColor: "#e6f2f2", primaryTextColor: "#1d262b",
      primaryBorderColor: "#1f5f66", lineColor: "#54616a", textColor: "#1d262b", titleColor: "#1d262b",
      secondaryColor: "#f3efdf", tertiaryColor: "#f5f4f0", clusterBkg: "#f7f6f2", clusterBorder: "#c9c6bc",
      edgeLabelBackground: "#ffffff", noteBkgColor: "#f8f1d8", noteTextColor: "#1d262b", noteBorderColor: "#b9a96a",
    },
    dark: {
      darkMode: true, background: "#1d2225", mainBkg: "#20393c", primaryColor: "#20393c", primaryTextColor: "#ebe9e4",
      primaryBorderColor: "#7fd0cf", lineColor: "#a9b1b4", textColor: "#ebe9e4", titleColor: "#ebe9e4",
      secondaryColor: "#3a3626", tertiaryColor: "#262c2f", clusterBkg: "#22282b", clusterBorder: "#4c565a",
      edgeLabelBackground: "#1d2225", noteBkgColor: "#3a3626", noteTextColor: "#ebe9e4", noteBorderColor: "#8f8455",
    },
  };
  const SHARED = { // in both themes
    dropShadow: "none", useGradient: false, pieStrokeColor: "transparent", pieOuterStrokeColor: "transparent",
    pie1: "#4f9aa0", pie2: "#c9ad4a", pie3: "#b0655a", pie4: "#7c86b8", pie5: "#88a86a", pie6: "#c48fb0", pie7: "#8a8f94", pie8: "#d08b4f",
    pieSectionTextColor: "#10181b",
  };
  const SECURE = ["secure", "securityLevel", "startOnLoad", "maxTextSize", "maxEdges", "suppressErrorRendering", "htmlLabels", "themeCSS"];

  const place = document.body.appendChild(document.createElement("main"));
  const draw = async (text, theme) => {
    mermaid.initialize({
      startOnLoad: false, securityLevel: "strict", suppressErrorRendering: true, secure: SECURE,
      htmlLabels: false, flowchart: { htmlLabels: false }, class: { htmlLabels: false },
      theme: "base", themeVariables: { ...SHARED, ...(THEMES[theme] ?? THEMES.light) }, fontFamily: FONT,
    });
    place.replaceChildren();
    document.body.replaceChildren(place); // without what a drawing that failed has left
    const { svg } = await mermaid.render("diagram", text);
    place.innerHTML = svg;
    const picture = place.querySelector("svg");
    const { width, height } = picture.viewBox.baseVal ?? picture.getBoundingClientRect();
    picture.setAttribute("width", width);
    picture.setAttribute("height", height);
    picture.style.maxWidth = "";
    const title = picture.querySelector(":scope > title")?.textContent ?? "";
    return { svg: new XMLSerializer().serializeToString(picture), width, height, title };
  };
  addEventListener("message", async ({ source, data }) => {
    if (source !== parent || typeof data?.text !== "string") return;
    let answer;
    try {
      answer = await draw(data.text, data.theme);
    } catch (error) {
      answer = { error: String(error?.message ?? error).split("\n")[0].slice(0, 200) };
    }
    parent.postMessage({ id: data.id, ...answer }, "*"); // our origin has no name here
  });
  parent.postMessage({ isReady: true }, "*");
})();
