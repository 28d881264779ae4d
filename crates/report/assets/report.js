/* Charts of a Squall report. Everything it needs is in the page; without it all tables still stand. */
(function () {
  "use strict";
  var root = squall.root, data = squall.data, page = squall.page;
  var color = squall.color, clock = squall.clock, number = squall.number, ms = squall.ms;
  var series = data.series, bands = data.bands, marked = data.marked;
  var logScale = false;

  function percent(v) { return v == null ? "–" : number(v * 100) + "%"; }
  function bytes(v) {
    if (v == null) return "–";
    var scale = Math.abs(v) >= 1e9 ? [1e9, " GB"] : Math.abs(v) >= 1e6 ? [1e6, " MB"] : Math.abs(v) >= 1e3 ? [1e3, " kB"] : [1, " B"];
    return number(v / scale[0]) + scale[1];
  }
  function rate(v) { return v == null ? "–" : number(v) + "/s"; }
  function seconds(v) { return ms(v == null ? null : v * 1000); }
  /* How values of a unit are written; units as the record names them. */
  var units = { seconds: seconds, share: percent, per_second: rate, count: number, bytes: bytes };
  /* The same on an axis, where there is less room. */
  var ticks = { seconds: function (v) { return tick(v * 1000); }, share: percent, per_second: rate, count: number, bytes: bytes };
  function tick(v) { return v === 0 ? "0" : v >= 1000 ? v / 1000 + " s" : number(v).replace(/\.0+$|(\.\d*?)0+$/, "$1") + " ms"; }

  /* Phases behind the curves: alternating bands, hatched where not measured, named at the top. */
  function phases(u) {
    var ctx = u.ctx, top = u.bbox.top, height = u.bbox.height, dpr = devicePixelRatio || 1;
    ctx.save();
    ctx.beginPath();
    ctx.rect(u.bbox.left, top, u.bbox.width, height);
    ctx.clip();
    ctx.setLineDash([]);
    bands.forEach(function (band, i) {
      var from = u.valToPos(band.from, "x", true), to = u.valToPos(band.to, "x", true);
      if (i % 2 === 0) { ctx.fillStyle = color("band"); ctx.fillRect(from, top, to - from, height); }
      if (!band.measured) {
        ctx.save();
        ctx.beginPath(); ctx.rect(from, top, to - from, height); ctx.clip();
        ctx.strokeStyle = color("hatch"); ctx.lineWidth = dpr; ctx.globalAlpha = 0.55;
        for (var x = from - height; x < to; x += 9 * dpr) {
          ctx.beginPath(); ctx.moveTo(x, top + height); ctx.lineTo(x + height, top); ctx.stroke();
        }
        ctx.restore();
      }
    });
    ctx.restore();
  }
  function names(u) {
    var ctx = u.ctx, dpr = devicePixelRatio || 1, free = u.bbox.left;
    ctx.save();
    ctx.font = "600 " + 11 * dpr + "px system-ui, sans-serif";
    ctx.textBaseline = "top";
    ctx.textAlign = "left";
    ctx.setLineDash([]);
    ctx.fillStyle = color("soft");
    bands.forEach(function (band) {
      var from = Math.max(u.valToPos(band.from, "x", true), u.bbox.left);
      var to = Math.min(u.valToPos(band.to, "x", true), u.bbox.left + u.bbox.width);
      var name = band.name + (band.measured ? "" : " (not measured)");
      if (ctx.measureText(name).width > to - from - 8 * dpr) name = band.name;
      if (from >= free && ctx.measureText(name).width <= to - from - 8 * dpr) {
        ctx.fillText(name, from + 5 * dpr, u.bbox.top - 15 * dpr);
      }
      if (from > u.bbox.left && to > from) {
        ctx.strokeStyle = color("hatch"); ctx.lineWidth = dpr;
        ctx.beginPath(); ctx.moveTo(from, u.bbox.top - 14 * dpr); ctx.lineTo(from, u.bbox.top + u.bbox.height); ctx.stroke();
      }
    });
    ctx.restore();
  }

  /* Faults as stretches, other marks as moments; each named inside the chart, where there is room. */
  function marks(u, all) {
    var ctx = u.ctx, dpr = devicePixelRatio || 1, left = u.bbox.left, right = left + u.bbox.width, row = 0;
    ctx.save();
    ctx.font = "600 " + 11 * dpr + "px system-ui, sans-serif";
    ctx.textBaseline = "top";
    ctx.textAlign = "left";
    all.forEach(function (mark) {
      var from = u.valToPos(mark.from, "x", true), to = u.valToPos(mark.to, "x", true);
      if (to < left || from > right) return;
      var paint = color(mark.color || "bad"), start = Math.max(from, left), end = Math.min(to, right);
      if (end - start > 1) {
        ctx.globalAlpha = 0.1; ctx.fillStyle = paint;
        ctx.fillRect(start, u.bbox.top, end - start, u.bbox.height);
        ctx.globalAlpha = 1;
      }
      ctx.strokeStyle = paint; ctx.lineWidth = 1.5 * dpr; ctx.setLineDash([4 * dpr, 3 * dpr]);
      [from, to].forEach(function (x) {
        if (x < left || x > right) return;
        ctx.beginPath(); ctx.moveTo(x, u.bbox.top); ctx.lineTo(x, u.bbox.top + u.bbox.height); ctx.stroke();
      });
      var width = ctx.measureText(mark.name).width;
      if (width > u.bbox.width - 10 * dpr) return;
      var x = start + 4 * dpr + width > right ? right - width - 4 * dpr : start + 4 * dpr;
      var y = u.bbox.top + (3 + 14 * (row++ % 3)) * dpr;
      ctx.globalAlpha = 0.65; ctx.fillStyle = color("card");
      ctx.fillRect(x - 2 * dpr, y - dpr, width + 4 * dpr, 13 * dpr);
      ctx.globalAlpha = 1; ctx.fillStyle = paint;
      ctx.fillText(mark.name, x, y);
    });
    ctx.restore();
  }

  /* All charts of the whole run have one time axis, though what was watched has its own moments. */
  var extent = [Infinity, -Infinity];
  function extend(times) {
    if (!times.length) return;
    extent = [Math.min(extent[0], times[0]), Math.max(extent[1], times[times.length - 1])];
  }
  extend(series.t);
  data.watched.forEach(function (watched) { watched.lines.forEach(function (line) { extend(line.t); }); });
  function span(times, local) {
    return function (u, min, max) {
      var all = min == null || (min === times[0] && max === times[times.length - 1]);
      var from = all && !local ? extent[0] : all ? times[0] : min, to = all && !local ? extent[1] : all ? times[times.length - 1] : max;
      return from < to ? [from, to] : [from - 0.5, from + 0.5];
    };
  }

  /* Zooming one chart zooms all that show the whole run. */
  var zooming = false;
  function zoomed(u, key) {
    if (key !== "x" || zooming || !u.squallReady || u.squallLocal) return;
    zooming = true;
    page.charts.forEach(function (other) {
      if (other !== u && !other.squallLocal) other.setScale("x", { min: u.scales.x.min, max: u.scales.x.max });
    });
    zooming = false;
  }

  function chart(id, lines, options) {
    var host = document.getElementById(id), times = options.t || series.t;
    if (!host || !times.length) return;
    var wide = host.parentNode.classList.contains("wide");
    var axis = { stroke: color("soft"), grid: { stroke: color("line"), width: 1 }, ticks: { stroke: color("line"), width: 1 }, font: "12px system-ui, sans-serif" };
    var values = lines.map(function (line) { return line.values; });
    if (options.stacked) {
      for (var i = options.stacked - 2; i >= 0; i--) {
        values[i] = values[i].map(function (v, at) { return v + values[i + 1][at]; });
      }
    }
    /* Zero has no place on a logarithmic axis. */
    if (options.log) values = values.map(function (column) { return column.map(function (v) { return v > 0 ? v : null; }); });
    var show = options.show || number;
    host.textContent = "";
    var u = new uPlot({
      width: host.clientWidth || 640, height: wide ? 250 : 200,
      padding: [20, 12, 0, 0],
      cursor: { y: false, sync: options.local ? undefined : { key: "squall" }, points: { size: 6 }, drag: { x: true, y: false } },
      legend: { live: true },
      bands: options.bands,
      scales: { x: { time: false, range: span(times, options.local) }, y: { distr: options.log ? 3 : 1, range: options.log || options.anywhere ? undefined : function (u, min, max) { return [0, max > 0 ? max * ((options.marks || marked).length ? 1.2 : 1.06) : 1]; } } },
      axes: [
        Object.assign({}, axis, { values: function (u, ticks) { return ticks.map(clock); }, size: 34, space: 60,
          incrs: [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800] }),
        Object.assign({}, axis, { size: 62, values: function (u, ticks) { return ticks.map(function (v) { return v == null ? "" : (options.tick || number)(v); }); } }),
      ],
      series: [{ label: "at", value: function (u, v) { return v == null ? "–" : clock(v); } }].concat(lines.map(function (line) {
        return {
          label: line.label, stroke: line.color, width: line.width || (options.stacked && !line.dash ? 1 : 1.75),
          dash: line.dash, fill: line.fill, spanGaps: false, points: { show: times.length < 3 },
          value: function (u, v, s, at) {
            var raw = at == null ? null : line.values[at];
            return (raw != null && line.bound && line.bound[at] ? "≥ " : "") + (raw == null ? "–" : show(raw));
          },
        };
      })),
      hooks: { drawClear: [phases], draw: [names, function (u) { marks(u, options.marks || marked); }], setScale: [zoomed] },
    }, [times].concat(values), host);
    u.squallReady = true;
    u.squallLocal = options.local;
    /* Without a cursor the legend shows the last point: a picture of the page has figures in it, not dashes.
       Later, because the first drawing, which is still to come, clears it. */
    var last = times.length - 1;
    while (last > 0 && lines[0].values[last] == null) last--;
    setTimeout(function () { u.setLegend({ idx: last }); }, 0);
    page.charts.push(u);
  }

  function draw() {
    var tint = function (name) { return color(name) + (root.dataset.theme === "dark" ? "cc" : "e0"); };
    chart("chart-requests", [
      { label: "timed out", values: series.timed_out, color: color("c-timeout"), fill: tint("c-timeout") },
      { label: "failed", values: series.failed, color: color("c-failed"), fill: tint("c-failed") },
      { label: "rate limited (429)", values: series.rate_limited, color: color("c-limited"), fill: tint("c-limited") },
      { label: "ok", values: series.ok, color: color("c-ok"), fill: tint("c-ok") },
    ], { stacked: 4 });
    var times = [
      { label: "p99", values: series.p99, color: color("c-p99"), bound: series.p99_at_least },
      { label: "p95", values: series.p95, color: color("c-p95") },
      { label: "p50", values: series.p50, color: color("c-p50") },
    ];
    if (series.service_p99.length) {
      times.push({ label: "p99 service time", values: series.service_p99, color: color("c-service"), dash: [5, 4] });
    }
    chart("chart-times", times, { show: ms, tick: tick, log: logScale });
    var classes = data.classes.map(function (name, i) {
      return { label: name, values: series.users[i], color: color("c-" + (i % 6 + 1)), fill: color("c-" + (i % 6 + 1)) + "c0" };
    }).reverse();
    chart("chart-users", classes.concat([
      { label: "asked", values: series.users_asked, color: color("c-asked"), dash: [5, 4], width: 1.5 },
    ]), { stacked: classes.length });
    chart("chart-lags", [
      { label: "send lag p99", values: series.send_lag_p99, color: color("c-p95") },
      { label: "loop lag p99", values: series.loop_lag_p99, color: color("c-p50") },
    ], { show: ms, tick: tick });
    chart("chart-iterations", [
      { label: "dropped", values: series.dropped, color: color("c-failed"), fill: tint("c-failed") },
      { label: "offered", values: series.offered, color: color("c-asked"), dash: [5, 4] },
      { label: "started", values: series.started, color: color("c-p95") },
      { label: "completed", values: series.completed, color: color("c-ok") },
    ], { show: rate });
    data.watched.forEach(drawWatched);
    data.findings.recoveries.forEach(drawRecovery);
    data.findings.drifts.forEach(drawDrift);
  }

  function drawWatched(watched) {
    /* Joined with every moment of every line: what a line knows nothing of is no gap, what it says is none is one. */
    var joined = uPlot.join(watched.lines.map(function (line) { return [line.t, line.values]; }));
    var lines = watched.lines.map(function (line, i) {
      return { label: line.label, values: joined[i + 1], color: color(["c-p95", "c-p50", "c-p99", "c-limited"][i % 4]) };
    });
    chart(watched.id, lines, { t: joined[0], show: units[watched.unit], tick: ticks[watched.unit] });
  }

  function drawRecovery(recovery) {
    var level = function (v) { return recovery.t.map(function () { return v; }); };
    var lines = [{ label: "p95", values: recovery.p95, color: color("c-p95") }], bands;
    if (recovery.before_p95 != null) {
      lines.push({ label: "p95 before", values: level(recovery.before_p95), color: color("c-ok"), dash: [5, 4], width: 1.25 });
      lines.push({ label: "p50 before", values: level(recovery.before_p50), color: color("c-ok"), dash: [2, 4], width: 1 });
      bands = [{ series: [2, 3], fill: color("c-ok") + "33" }];
    }
    var marks = [{ name: "begins", from: recovery.start, to: recovery.start, color: "bad" }, { name: "ends", from: recovery.end, to: recovery.end, color: "bad" }];
    if (recovery.recovered != null) marks.push({ name: "recovered", from: recovery.recovered, to: recovery.recovered, color: "good" });
    chart(recovery.id, lines, { t: recovery.t, local: true, show: ms, tick: tick, bands: bands, marks: marks });
  }

  function drawDrift(drift) {
    chart(drift.id, [
      { label: drift.of, values: drift.values, color: color("c-p95"), width: 1.25 },
      { label: "trend", values: drift.line, color: color("c-p99"), width: 2 },
      { label: "slope at most", values: drift.high, color: color("c-p99"), dash: [3, 4], width: 1 },
      { label: "slope at least", values: drift.low, color: color("c-p99"), dash: [3, 4], width: 1 },
    ], { t: drift.t, local: true, anywhere: true, show: units[drift.unit], tick: ticks[drift.unit], bands: [{ series: [3, 4], fill: color("c-p99") + "22" }] });
  }

  /* A few timeouts must not press everything else onto the axis. */
  function spread() {
    var known = series.p95.filter(function (v) { return v != null; }).sort(function (a, b) { return a - b; });
    var worst = Math.max.apply(null, series.p99.map(function (v) { return v || 0; }));
    return known.length > 0 && worst > 25 * known[known.length >> 1];
  }

  document.getElementById("download").addEventListener("click", function () {
    var link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(data, null, 2)], { type: "application/json" }));
    link.download = "squall-report.json";
    link.click();
    setTimeout(function () { URL.revokeObjectURL(link.href); }, 1000);
  });
  addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (details) { details.open = true; });
  });

  var toggle = document.getElementById("log-scale");
  logScale = spread();
  if (toggle) {
    toggle.setAttribute("aria-pressed", logScale);
    toggle.addEventListener("click", function () {
      logScale = !logScale;
      toggle.setAttribute("aria-pressed", logScale);
      page.redraw();
    });
  }
  /* A chart that is folded away has no width until somebody looks. */
  document.querySelectorAll("details.generator").forEach(function (details) {
    details.addEventListener("toggle", page.fit);
  });
  /* Tables that are wider than the page say so: on a telephone nothing else does. */
  function overflow() {
    document.querySelectorAll(".scroll").forEach(function (box) {
      box.classList.toggle("wider", box.scrollWidth > box.clientWidth + 8);
    });
  }
  addEventListener("resize", overflow);
  document.addEventListener("toggle", overflow, true);
  overflow();
  squall.live(draw, function (u) { return { width: 690, height: u.height }; });
})();
