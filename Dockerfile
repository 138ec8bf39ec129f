# The server in an image with nothing else in it: one static binary and the
# certificates it needs to reach its vendors. Zone files are inside the binary.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /out/tocsin ./cmd/tocsin \
 && mkdir /out/data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/tocsin /tocsin
# The database and, unless TOCSIN_KEY is given, its key file. Give the key from
# somewhere else where the volume is backed up as a whole.
COPY --from=build --chown=65532:65532 --chmod=700 /out/data /data
VOLUME /data
ENV TOCSIN_DATABASE=/data/tocsin.db \
    TOCSIN_LISTEN=:8480
USER 65532:65532
EXPOSE 8480
ENTRYPOINT ["/tocsin"]
CMD ["serve"]
