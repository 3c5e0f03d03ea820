"""The page's style sheet: type, colours for light and dark, narrow screens, print. System fonts; nothing is fetched."""

SHEET = """
:root{--ground:#fbfbf9;--card:#fff;--ink:#1c2126;--soft:#5b656e;--pale:#a5acb2;--rule:#e0e2e1;--own:#2f7191;--own-soft:#2f719133;
--control:#a4631c;
--met:#2b7a4b;--missed:#b3261e;--missed-soft:#b3261e12}
@media (prefers-color-scheme:dark){:root{--ground:#14171a;--card:#1b1f23;--ink:#e4e7e9;--soft:#98a3ac;--pale:#5f6a73;
--rule:#2e353b;--own:#74b4d3;
--own-soft:#74b4d33d;--control:#e0a862;--met:#7cc896;--missed:#ff8f84;--missed-soft:#ff8f8418}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-behavior:smooth}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0;background:var(--ground);color:var(--ink);
font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif;
font-variant-numeric:tabular-nums}
main{max-width:1080px;margin:0 auto;padding:48px 32px 72px}
header{margin-bottom:28px}
h1{font-size:34px;line-height:1.15;letter-spacing:-.015em;margin:0 0 12px;font-weight:650}
h2{font-size:22px;line-height:1.3;letter-spacing:-.005em;margin:0 0 14px;font-weight:620}
h3{font-size:14px;line-height:1.35;margin:0 0 6px;font-weight:600}
p{margin:0 0 12px;max-width:72ch}
a{color:inherit;text-decoration-color:var(--rule);text-underline-offset:3px}
a:hover{text-decoration-color:currentColor}
:focus-visible{outline:2px solid var(--own);outline-offset:2px}
code{font:13.5px ui-monospace,"SFMono-Regular",Menlo,Consolas,"DejaVu Sans Mono",monospace}
small{font-size:12.5px;color:var(--soft);font-weight:400}
.over{font-size:13px;color:var(--soft);margin:0 0 6px}
.lead{font-size:17px;margin:0 0 2px}
.when,.note{color:var(--soft);font-size:14px}.note.missed{color:var(--missed)}
section{margin:44px 0 0}
section.bench{border-top:1px solid var(--rule);padding-top:34px;margin-top:46px;scroll-margin-top:8px}
section.bench h2 span{display:block;font:500 13px ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;color:var(--soft);
letter-spacing:0;margin-bottom:4px}
.counts{list-style:none;display:flex;flex-wrap:wrap;gap:14px 48px;padding:0;margin:0}
.counts b{display:block;font-size:32px;line-height:1.15;font-weight:600;letter-spacing:-.01em}
.counts b small{font-size:18px}
.counts li{font-weight:400}.counts span{font-size:13px;color:var(--soft)}
.counts .met b{color:var(--met)}.counts .missed b{color:var(--missed)}
.met{color:var(--met)}.missed{color:var(--missed);font-weight:600}
.scroll{overflow-x:auto;margin:0 0 18px}
table{border-collapse:separate;border-spacing:0;width:100%;font-size:14px;line-height:1.4}
caption{text-align:left;color:var(--soft);font-size:13px;padding:0 0 6px}
th,td{padding:6px 0 6px 18px;text-align:left;vertical-align:baseline;border-bottom:1px solid var(--rule)}
th:first-child,td:first-child{padding-left:0}
thead th{font-weight:500;font-size:12.5px;color:var(--soft);white-space:nowrap}
tbody th{font-weight:500;min-width:150px}
tbody th small{display:block}
tbody th i{font-style:normal;font-weight:400;font-size:12px;color:var(--control)}
.n{text-align:right;white-space:nowrap}
td.n{color:var(--soft)}td.strong{color:var(--ink);font-weight:600}td.dim,td.unit,td.of{color:var(--soft)}
td.few{color:var(--pale)}
td.unit,th.unit,td.of{white-space:nowrap}
td.unit,th.unit{padding-left:10px}td.of,th.of{padding-left:6px}
td.goal{white-space:nowrap;color:var(--soft)}
tr.beside th,tr.beside td.strong{color:var(--soft);font-weight:400}
tr.bad{background:linear-gradient(90deg,var(--missed-soft),transparent 60%)}
.goals small{max-width:60ch}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(230px,1fr));gap:12px 28px;margin:0}
.facts dt{font-size:12.5px;color:var(--soft)}
.facts dd{margin:0;font-size:14px;overflow-wrap:anywhere}
nav{margin:26px 0 0}
nav ul{list-style:none;padding:0;margin:0;display:flex;flex-wrap:wrap;gap:6px 20px;font-size:14px}
nav a.met::after{content:" ✓";color:var(--met)}nav a.missed::after{content:" ✕";color:var(--missed)}
.pictures{display:grid;grid-template-columns:repeat(auto-fill,minmax(400px,1fr));gap:18px;margin:22px 0 18px}
figure{margin:0;background:var(--card);border:1px solid var(--rule);border-radius:6px;padding:14px 16px 12px;break-inside:avoid}
figure.run{margin:0 0 18px}
figcaption{font-size:12.5px;color:var(--soft);margin-top:6px}
.more{margin:0 0 18px}.more summary{color:var(--soft)}
figcaption details,.clocks{color:var(--soft)}
svg{display:block;width:100%;height:auto;overflow:visible}
svg text{font:11px system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif;
font-variant-numeric:tabular-nums;fill:var(--soft)}
svg .strong{fill:var(--ink);font-weight:600}
svg .met{fill:var(--met)}svg .missed{fill:var(--missed)}
path{fill:none;stroke-width:1}
.axis{stroke:var(--soft)}.grid{stroke:var(--rule)}
path.own{fill:var(--own-soft);stroke:var(--own);stroke-linejoin:round}
path.control{stroke:var(--control);stroke-width:1.4}
path.quantile{stroke:var(--ink);stroke-dasharray:1 3;stroke-linecap:round}
text.quantile{fill:var(--ink)}
path.goal{fill:none;stroke-width:1.4;stroke-dasharray:5 3}path.goal.met{stroke:var(--met)}path.goal.missed{stroke:var(--missed)}
rect.own{fill:var(--own)}rect.sum{fill:var(--ink)}rect.measured{fill:var(--control)}
path.course{stroke:var(--own);stroke-width:1.1;stroke-linejoin:round}
path.flag{fill:var(--missed)}path.mark.thin{stroke:var(--missed);stroke-opacity:.3}
.narrow{display:none}
.key{display:inline-block;width:12px;height:9px;margin:0 6px 0 0;border:1px solid var(--own);background:var(--own-soft)}
.key.control{border:0;border-top:2px solid var(--control);background:none;height:3px;vertical-align:middle;margin-left:12px}
.key.flag{border:0;background:var(--missed);clip-path:polygon(0 0,100% 0,50% 100%);height:8px;width:9px}
details summary{cursor:pointer;font-size:13px}
.clocks dl{margin:10px 0 0;font-size:13px;max-width:86ch}
.clocks dt{font-weight:600;color:var(--ink)}.clocks dd{margin:0 0 9px}
footer{border-top:1px solid var(--rule);margin-top:56px;padding-top:24px;color:var(--soft);font-size:14px}
footer h2{font-size:15px;color:var(--ink);margin-bottom:6px}
@media (max-width:640px){main{padding:28px 16px 48px}h1{font-size:27px}h2{font-size:19px}.pictures{grid-template-columns:1fr;
gap:14px}
figure{padding:12px 10px 10px}.wide{display:none}.narrow{display:block}.facts{grid-template-columns:1fr 1fr;gap:10px 18px}
.counts{gap:12px 32px}
.scroll{margin-right:-16px;padding-right:16px}
.figures tbody th,.figures thead th:first-child,.tallies tbody th,.tallies thead th:first-child{position:sticky;
left:0;background:var(--ground);min-width:118px;max-width:150px;padding-right:8px}th,td{padding-left:13px}
.goals tbody th{min-width:120px}.goals .dim{display:none}.goals .n{white-space:normal}.goals td,.goals th{padding-left:10px}
.goals th:first-child{padding-left:0}.goals{font-size:13px}}
@media print{:root{--ground:#fff;--card:#fff;--ink:#000;--soft:#444;--pale:#999;--rule:#ccc;--own:#1d5a78;--own-soft:#1d5a7833;
--control:#8a4f10;--met:#1d6338;
--missed:#9b1c15;--missed-soft:transparent}body{font-size:11pt}main{max-width:none;padding:0}nav{display:none}
.scroll{overflow:visible}
table{font-size:8.5pt}tr,figure{break-inside:avoid}h2,h3{break-after:avoid}.pictures{grid-template-columns:1fr 1fr}
details::details-content{content-visibility:visible;block-size:auto}summary{display:none}}
"""
