// Adds the key that the conformance suite cannot send; everything else, Host and Origin too, passes as it came. Prints its port.
import http from "node:http";

const target = new URL(process.env.BASE_URL);
const server = http.createServer((request, response) => {
  const headers = [...request.rawHeaders, "Authorization", `Bearer ${process.env.API_KEY}`];
  const { method, url: path } = request;
  const onward = http.request({ host: target.hostname, port: target.port, method, path, headers, setHost: false }, (answer) => {
    response.writeHead(answer.statusCode, answer.rawHeaders);
    answer.pipe(response);
  });
  onward.on("error", () => response.destroy());
  response.on("close", () => onward.destroy());
  request.pipe(onward);
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
