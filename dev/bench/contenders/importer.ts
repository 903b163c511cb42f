/** A file beside the function's packages, as a package is found from there. */
export const IMPORTER = "importer.mjs";
export const IMPORTER_SOURCE = "export const importPackage = (name) => import(name);\n";
