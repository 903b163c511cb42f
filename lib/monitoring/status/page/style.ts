/** The page's only style. Light or dark as the reader's system is; one column on a phone. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: light-dark(#f4f5f7, #0e1116); --card: light-dark(#fff, #171b22); --line: light-dark(#e3e6ea, #2a303a);
  --ink: light-dark(#14181f, #e8ebf0); --soft: light-dark(#5d6672, #98a2b0); --track: light-dark(#e8ebef, #272d37);
  --good: light-dark(#0f8a5f, #34c28d); --warning: light-dark(#a86200, #f0a93a); --bad: light-dark(#c6303b, #ff6b70);
  --good-wash: light-dark(#e5f5ee, #12291f); --warning-wash: light-dark(#fdf1dc, #2d2312); --bad-wash: light-dark(#fdeaea, #331a1d);
  --sent: light-dark(#18a06f, #2fb684); --failed: light-dark(#d5424c, #f2626a); --missed: light-dark(#e2981b, #eba93c);
  --unknown: light-dark(#8460d8, #a98af0); --p50: light-dark(#2f6fdb, #6aa2ff);
}
* { box-sizing: border-box; margin: 0; }
body { background: var(--page); color: var(--ink); padding: 1.25rem; max-width: 74rem; margin: 0 auto;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; font-variant-numeric: tabular-nums; }
header, footer { display: flex; flex-wrap: wrap; gap: .25rem 1rem; justify-content: space-between; color: var(--soft); font-size: .85rem; }
header { margin-bottom: .75rem; } footer { margin-top: 1.25rem; }
header b { color: var(--ink); letter-spacing: .01em; }
section, .verdict { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 1rem 1.15rem; min-width: 0; }
h2 { font-size: .95rem; font-weight: 650; margin-bottom: .6rem; display: flex; flex-wrap: wrap; gap: .1rem .75rem; align-items: baseline; }
h2 small { font-weight: 400; color: var(--soft); font-size: .82rem; }
code { font: .82rem/1.5 ui-monospace, SFMono-Regular, Menlo, "DejaVu Sans Mono", monospace; }
.soft { color: var(--soft); }
.grid { display: grid; gap: .9rem; margin-top: .9rem; grid-template-columns: repeat(2, minmax(0, 1fr)); }
.wide { grid-column: 1 / -1; }
.verdict { display: flex; gap: 1rem; align-items: center; border-width: 2px; padding: 1.15rem 1.3rem; }
.verdict h1 { font-size: 1.55rem; line-height: 1.25; letter-spacing: -.01em; }
.verdict p { color: var(--soft); margin-top: .2rem; }
.verdict svg { flex: none; width: 2.9rem; height: 2.9rem; }
.verdict.good { background: var(--good-wash); border-color: var(--good); } .verdict.good svg { fill: var(--good); }
.verdict.warning { background: var(--warning-wash); border-color: var(--warning); } .verdict.warning svg { fill: var(--warning); }
.verdict.bad { background: var(--bad-wash); border-color: var(--bad); } .verdict.bad svg { fill: var(--bad); }
.verdict svg path { fill: none; stroke: var(--card); stroke-width: 2.4; stroke-linecap: round; stroke-linejoin: round; }
.tiles { display: grid; gap: .9rem; margin-top: .9rem; grid-template-columns: repeat(6, minmax(0, 1fr)); }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: .75rem 1rem; min-width: 0; }
.tile b { display: block; font-size: 1.6rem; line-height: 1.25; font-weight: 680; letter-spacing: -.02em; }
.tile span { display: block; font-size: .82rem; }
.tile small { display: block; color: var(--soft); font-size: .78rem; }
.sent { fill: var(--sent); } .failed { fill: var(--failed); } .missed { fill: var(--missed); } .unknown { fill: var(--unknown); }
b.sent { color: var(--sent); } b.failed { color: var(--failed); } b.missed { color: var(--missed); } b.unknown { color: var(--unknown); }
.legend { display: flex; flex-wrap: wrap; gap: .1rem .9rem; list-style: none; padding: 0; font-size: .82rem; color: var(--soft); }
.legend svg { width: .65rem; height: .65rem; margin-right: .35rem; }
.legend .p50 { fill: var(--p50); } .legend .p99 { fill: var(--missed); }
.plot { position: relative; height: 150px; margin: .7rem 0 0 2.9rem; }
.plot svg { width: 100%; height: 100%; display: block; overflow: visible; }
.plot span { position: absolute; right: 100%; margin-right: .5rem; font-size: .72rem; line-height: 1; color: var(--soft); white-space: nowrap; }
.plot .top { top: -.35rem; } .plot .middle { top: calc(50% - .35rem); }
.plot line { stroke: var(--line); stroke-width: 1; vector-effect: non-scaling-stroke; }
.plot path { fill: none; stroke-width: 2.5; stroke-linecap: round; stroke-linejoin: round; vector-effect: non-scaling-stroke; }
.plot path.p50 { stroke: var(--p50); } .plot path.p99 { stroke: var(--missed); }
.plot .hover { fill: transparent; } .plot .hover:hover { fill: var(--track); fill-opacity: .6; }
.axis { display: flex; justify-content: space-between; font-size: .72rem; color: var(--soft); margin: .3rem 0 0 2.9rem; }
.none { position: absolute; inset: 0; display: grid; place-items: center; color: var(--soft); font-size: .88rem; }
.none p { background: var(--card); padding: 0 .5rem; }
.campaign + .campaign { margin-top: .85rem; }
.campaign div { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; }
.campaign svg { width: 100%; height: .8rem; border-radius: .4rem; display: block; margin: .3rem 0 .25rem; }
.campaign b, .rows b { overflow-wrap: anywhere; }
.track { fill: var(--track); }
.chips { display: grid; gap: .45rem; grid-template-columns: repeat(auto-fill, minmax(11.5rem, 1fr)); list-style: none; padding: 0; }
.chips li { border: 1px solid var(--line); border-radius: 10px; padding: .4rem .7rem; display: flex; gap: .55rem; align-items: center; min-width: 0; }
.chips svg { width: .6rem; height: .6rem; flex: none; fill: var(--good); } .chips .down svg { fill: var(--bad); }
.chips .down { background: var(--bad-wash); border-color: var(--bad); }
.chips div { min-width: 0; line-height: 1.3; } .chips b { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-weight: 600; }
.chips small { color: var(--soft); font-size: .75rem; }
.rows { list-style: none; padding: 0; }
.rows li { padding: .6rem 0; border-top: 1px solid var(--line); }
.rows li:first-child { border-top: 0; padding-top: 0; } .rows li:last-child { padding-bottom: 0; }
.rows .when { float: right; color: var(--soft); font-size: .82rem; margin-left: 1rem; }
.rows .command { display: block; background: var(--page); border-radius: 8px; padding: .35rem .6rem; margin-top: .3rem; overflow-wrap: anywhere; }
.pill { border-radius: 99px; padding: .08rem .55rem; font: .78rem/1.5 ui-monospace, Menlo, "DejaVu Sans Mono", monospace; background: var(--track); color: inherit; text-decoration: none; }
a.pill:hover { text-decoration: underline; }
@media (max-width: 62rem) { .tiles { grid-template-columns: repeat(3, minmax(0, 1fr)); } }
@media (max-width: 44rem) {
  body { padding: .75rem; } .grid { grid-template-columns: minmax(0, 1fr); } .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: .6rem; }
  .verdict { padding: .9rem 1rem; gap: .8rem; } .verdict h1 { font-size: 1.2rem; } .verdict svg { width: 2.2rem; height: 2.2rem; }
  .chips { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .rows .when { float: none; display: block; margin-left: 0; }
}
`;
