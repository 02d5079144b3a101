# An image with nothing in it but git-frisk. It needs no git: repositories are read by the program itself.
#
#     docker build -t git-frisk .
#     docker run --rm --network none -v "$PWD:/repo:ro" git-frisk history
FROM rust:1-slim-bookworm AS build
WORKDIR /source
COPY . .
RUN .ci/static /out
# What is mounted was chosen by who mounts it, whoever owns it. Nothing of it is run.
RUN mkdir -p /out/etc /out/repo /out/tmp && chmod 1777 /out/tmp \
    && printf '[safe]\n\tdirectory = *\n' > /out/etc/gitconfig

FROM scratch
COPY --from=build /out /
WORKDIR /repo
ENTRYPOINT ["/git-frisk"]
CMD ["--help"]
