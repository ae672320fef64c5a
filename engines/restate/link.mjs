// Puts the server of this platform, which npm installed as an optional dependency,
// into bin/.
import { mkdirSync, readdirSync, symlinkSync } from "node:fs";

const scope = "node_modules/@restatedev";
const platform = readdirSync(scope).find((name) => name.startsWith("restate-server-"));
mkdirSync("bin", { recursive: true });
symlinkSync(`../${scope}/${platform}/bin/restate-server`, "bin/restate-server");
