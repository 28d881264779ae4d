/* Curves of a comparison. Everything it needs is in the page; without it all figures still stand. */
(function () {
  "use strict";
  var data = squall.data, page = squall.page;
  var color = squall.color, clock = squall.clock, number = squall.number, ms = squall.ms;

  function percentile(nines) {
    var p = 100 * (1 - Math.pow(10, -nines));
    return "p" + (p < 90.05 ? Math.round(p) : +p.toPrecision(Math.ceil(nines + 0.001) + 1));
  }

  /* Where a phase begins. */
  function phases(u) {
    if (data.phases.length < 2) return;
    var ctx = u.ctx, dpr = devicePixelRatio || 1;
    ctx.save();
    ctx.font = "600 " + 11 * dpr + "px system-ui, sans-serif";
    ctx.textBaseline = "top";
    data.phases.forEach(function (phase, i) {
      var x = u.valToPos(phase[0], "x", true), next = data.phases[i + 1];
      var end = next ? u.valToPos(next[0], "x", true) : u.bbox.left + u.bbox.width;
      if (i) {
        ctx.strokeStyle = color("hatch"); ctx.lineWidth = dpr;
        ctx.beginPath(); ctx.moveTo(x, u.bbox.top - 14 * dpr); ctx.lineTo(x, u.bbox.top + u.bbox.height); ctx.stroke();
      }
      ctx.fillStyle = color("soft");
      if (ctx.measureText(phase[1]).width < end - x - 8 * dpr) ctx.fillText(phase[1], x + 5 * dpr, u.bbox.top - 15 * dpr);
    });
    ctx.restore();
  }

  function chart(id, x, a, b, options) {
    var host = document.getElementById(id);
    if (!host || x.length === 0) return;
    host.textContent = "";
    var axis = { stroke: color("soft"), grid: { stroke: color("line"), width: 1 }, ticks: { stroke: color("line"), width: 1 }, font: "12px system-ui, sans-serif" };
    var line = function (label, name, dash) {
      return { label: label, stroke: color(name), width: 1.75, dash: dash, spanGaps: false, points: { show: x.length < 3 },
        value: function (u, v) { return options.show(v); } };
    };
    var bottom = options.levels
      ? { values: function (u, ticks) { return ticks.map(percentile); }, incrs: [1], splits: function (u, i, min, max) {
          return [0, 0.30103, 1, 1.30103, 2, 3, 4, 5].filter(function (v) { return v >= min && v <= max + 1e-9; });
        }, size: 34 }
      : { values: function (u, ticks) { return ticks.map(clock); }, size: 34, space: 60, incrs: [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800] };
    var u = new uPlot({
      width: host.clientWidth || 380, height: 220, padding: [20, 10, 0, 0],
      cursor: { y: false, sync: options.levels ? undefined : { key: "squall-compare" }, drag: { x: true, y: false } },
      scales: { x: { time: false }, y: { range: function (u, min, max) { return [0, max > 0 ? max * 1.06 : 1]; } } },
      axes: [Object.assign({}, axis, bottom),
        Object.assign({}, axis, { size: 58, values: function (u, ticks) { return ticks.map(options.show); } })],
      series: [{ label: options.levels ? "at" : "after", value: function (u, v) { return v == null ? "–" : options.levels ? percentile(v) : clock(v); } },
        line("A", "c-a", [5, 3]), line("B", "c-b")],
      hooks: { draw: options.levels ? [] : [phases] },
    }, [x, a, b], host);
    setTimeout(function () { u.setLegend({ idx: options.levels ? nearest(x, 1.30103) : x.length - 1 }); }, 0);
    page.charts.push(u);
  }

  function nearest(x, wanted) {
    var best = 0;
    x.forEach(function (v, i) { if (Math.abs(v - wanted) < Math.abs(x[best] - wanted)) best = i; });
    return best;
  }

  /* Both distributions on the levels of either: a level that the other has not is between two that it has. */
  function joined(a, b) {
    var x = a.concat(b).map(function (p) { return p[0]; }).sort(function (m, n) { return m - n; })
      .filter(function (v, i, all) { return i === 0 || v > all[i - 1]; });
    var along = function (points) {
      return x.map(function (v) {
        var i = points.findIndex(function (p) { return p[0] >= v; });
        if (i < 0) return null;
        if (i === 0 || points[i][0] === v) return points[i][1];
        var p = points[i - 1], q = points[i];
        return p[1] + (q[1] - p[1]) * (v - p[0]) / (q[0] - p[0]);
      });
    };
    return [x, along(a), along(b)];
  }

  function draw() {
    data.subjects.forEach(function (subject, i) {
      chart("chart-" + i + "-p95", data.t, subject.a.p95, subject.b.p95, { show: ms });
      chart("chart-" + i + "-ok", data.t, subject.a.ok, subject.b.ok, { show: number });
      var levels = joined(subject.a.levels, subject.b.levels);
      chart("chart-" + i + "-levels", levels[0], levels[1], levels[2], { show: ms, levels: true });
    });
  }

  squall.live(draw, function () { return { width: 225, height: 180 }; });
})();
