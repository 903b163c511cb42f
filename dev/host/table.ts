/** How tables look: lines only below the head, and narrow gaps: so it fits a terminal of 80 columns. */
export const TABLE_LAYOUT = {
  chars: {
    ...{ top: "", "top-mid": "", "top-left": "", "top-right": "" },
    ...{ bottom: "", "bottom-mid": "", "bottom-left": "", "bottom-right": "" },
    ...{ left: "", "left-mid": "", right: "", "right-mid": "" },
    ...{ middle: " ", "mid-mid": "─" },
  },
  style: { head: [], border: [], compact: true, "padding-left": 0, "padding-right": 1 },
};
