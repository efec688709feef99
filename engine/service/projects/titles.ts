/** The title of a new document: the name of its file without the ending. */
export const defaultTitle = (name: string): string => name.replace(/(\.espalier)?\.json$/, '').slice(0, 1000);
