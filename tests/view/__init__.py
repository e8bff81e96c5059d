"""Pages, graphs and pictures: tested on hand-made records, in a real browser where there is one."""
