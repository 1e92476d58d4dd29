// Where the two functions live. Empty means the page's own origin, as with `versequeue up` or
// behind rewrites. From a bucket, write the functions' URLs here, without a slash at the end.
export const SUBMIT_BASE = "";
export const RESULTS_BASE = "";
