// A file of its own: the content security policy admits no script in the page.
window.addEventListener("load", () => {
    SwaggerUIBundle({
        url: "/v1/openapi.json",
        dom_id: "#page",
        deepLinking: true,
        docExpansion: "list",
        validatorUrl: null, // by default a badge is fetched from elsewhere
    });
});
