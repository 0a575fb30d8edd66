export const isId = (text: string): boolean => /^[A-Za-z0-9_-]{1,64}$/.test(text);

/** An id that a name suggests: "Ann Löwe" becomes `ann_lowe`. */
export const idOf = (name: string): string =>
  name
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "")
    .slice(0, 64);
