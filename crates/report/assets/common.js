/* What the pages share: how values are written, light and dark, the width of charts, paper. Each page draws its own. */
var squall = (function () {
  "use strict";
  var root = document.documentElement;
  var data = JSON.parse(document.getElementById("data").textContent);
  /* The charts there are, and whether they go to paper just now. */
  var page = { charts: [], printing: false, fit: fit };

  function store(value) { try { localStorage.setItem("squall-theme", value); } catch (e) { /* file: has none */ } }
  function stored() { try { return localStorage.getItem("squall-theme"); } catch (e) { return null; } }
  function preferred() {
    var hash = /theme=(dark|light)/.exec(location.hash);
    if (hash) return hash[1];
    return stored() || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  }
  function color(name) { return getComputedStyle(root).getPropertyValue("--" + name).trim(); }

  function clock(seconds) {
    var s = Math.round(seconds), h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60;
    var two = function (n) { return (n < 10 ? "0" : "") + n; };
    return h ? h + ":" + two(m) + ":" + two(s % 60) : m + ":" + two(s % 60);
  }
  function number(v) {
    if (v == null) return "–";
    var digits = v !== 0 && Math.abs(v) < 10 ? 2 : Math.abs(v) < 100 ? 1 : 0;
    return v.toLocaleString("en-US", { maximumFractionDigits: digits });
  }
  function ms(v) { return v == null ? "–" : v >= 10000 ? number(v / 1000) + " s" : number(v) + " ms"; }

  function fit() {
    if (page.printing) return;
    page.charts.forEach(function (u) {
      var width = u.root.parentNode.clientWidth;
      if (width && width !== u.width) u.setSize({ width: width, height: u.height });
    });
  }

  /* Draw now, and again whenever it must look different. `paper` says how large a chart is in print. */
  function live(draw, paper) {
    page.redraw = function () {
      page.charts.forEach(function (u) { u.destroy(); });
      page.charts = [];
      draw();
    };
    function theme(name) { root.dataset.theme = name; page.redraw(); }
    document.getElementById("theme").addEventListener("click", function () {
      var next = root.dataset.theme === "dark" ? "light" : "dark";
      store(next);
      theme(next);
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", function () { if (!page.printing) theme(preferred()); });
    addEventListener("hashchange", function () { theme(preferred()); });
    addEventListener("resize", fit);
    /* Paper is white, and narrower than most windows. */
    addEventListener("beforeprint", function () {
      page.printing = true;
      theme("light");
      page.charts.forEach(function (u) { u.setSize(paper(u)); });
    });
    addEventListener("afterprint", function () { page.printing = false; theme(preferred()); });
    theme(preferred());
  }

  return { root: root, data: data, page: page, color: color, clock: clock, number: number, ms: ms, live: live };
})();
