// What "node-red admin init" leaves, without its comments: no editor login, flows
// in plain text, and the server on 127.0.0.1 only.
module.exports = {
    flowFile: "flows.json",
    credentialSecret: false,
    uiHost: "127.0.0.1",
    uiPort: process.env.PORT || 1880,
    httpAdminRoot: "/editor",
    diagnostics: { enabled: false, ui: false },
    telemetry: { enabled: false, updateNotification: false },
    logging: { console: { level: "info", metrics: false, audit: false } },
    exportGlobalContextKeys: false,
};
