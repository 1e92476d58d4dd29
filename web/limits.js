// How much may be asked for at once; the server has the same limits and the last word.
export const LONGEST = 500;
export const LONGEST_LINE = 800;
export const MOST_ROWS = 1000;
export const MOST_MIB = 1;
