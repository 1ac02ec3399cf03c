SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#reader",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  docExpansion: "none",
  // Nothing is asked of anybody but this server.
  validatorUrl: null,
});
