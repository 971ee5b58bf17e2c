/* SPDX-License-Identifier: Apache-2.0 */
#include "program.h"

#include "base/buffer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define READY_MS 20000
#define STOP_MS 15000
#define ANSWER_MAX MIB(1)
#define FILES_WANTED 120000
#define ADDRESS_PORTS 4000
#define STATEMENT_LOG "ATELIER_STATEMENT_LOG"
#define SEED_STEP 5000 /* accounts a call: well below its second */

/* ---- folders ---- */

static int remove_one(const char *path, const struct stat *facts, int kind, struct FTW *place)
{
    return remove(path);
}

void folder_remove(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

bool folder_make(const struct bench *bench, const char *name, char out[500], struct fault *fault)
{
    snprintf(out, 500, "%s/%s", bench->folder, name);
    folder_remove(out);
    return mkdir(out, 0700) == 0 || fault_os(fault, out);
}

/* ---- starting ---- */

static bool share_page(struct program *program, struct fault *fault)
{
    program->syncs_fd = memfd_create("syncs", 0); /* inherited, hence no MFD_CLOEXEC */
    if (program->syncs_fd < 0 || ftruncate(program->syncs_fd, 4096) != 0)
        return fault_os(fault, "memfd");
    void *page =
        mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, program->syncs_fd, 0);
    if (page == MAP_FAILED)
        return fault_os(fault, "mmap");
    program->syncs = page;
    return true;
}

/* In the child: never comes back. */
static void become(const struct bench *bench, char *const *words, int syncs_fd, int errors)
{
    char text[500];
    snprintf(text, sizeof(text), "%s/libatelier-sync-count.so", bench->build);
    if (getenv(STATEMENT_LOG) != NULL)
        snprintf(text, sizeof(text), "%s/libatelier-statement-log.so", bench->build);
    setenv("LD_PRELOAD", text, 1);
    snprintf(text, sizeof(text), "%d", syncs_fd);
    setenv("ATELIER_SYNC_COUNT", text, 1);
    setenv("ATELIER_SERVER_LOG_LEVEL", "error", 1);
    if (errors >= 0)
        dup2(errors, STDERR_FILENO);
    execv(words[0], words);
    _exit(127);
}

/* Reads what the program says until its ready line; the port is in it. */
static bool wait_ready(struct program *program, int errors, const char *name, struct fault *fault)
{
    char text[4096];
    size_t len = 0;
    struct pollfd fds = {.fd = errors, .events = POLLIN};
    for (;;) {
        if (poll(&fds, 1, READY_MS) <= 0)
            return fault_set(fault, FAULT_SYSTEM, "%s was not ready in time", name);
        ssize_t got = read(errors, text + len, sizeof(text) - 1 - len);
        if (got <= 0)
            return fault_set(fault, FAULT_SYSTEM, "%s did not start: %.*s", name,
                             (int)MIN_OF(len, (size_t)200), text);
        len += (size_t)got;
        text[len] = 0;
        const char *ready = strstr(text, "ready http://");
        if (ready == NULL || strchr(ready, '\n') == NULL)
            continue;
        program->port = (uint16_t)strtol(strrchr(ready, ':') + 1, NULL, 10);
        return true;
    }
}

/* words: the program, "serve" and its options. */
static bool start(const struct bench *bench, char *const *words, struct program *out,
                  struct fault *fault)
{
    int ends[2];
    *out = (struct program){.syncs_fd = -1};
    if (!share_page(out, fault))
        return false;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return fault_os(fault, "pipe");
    instant start = clock_monotonic();
    out->pid = fork();
    if (out->pid == 0)
        become(bench, words, out->syncs_fd, ends[1]);
    close(ends[1]);
    AUTO(fd_close) int errors = ends[0]; /* what it says later goes nowhere */
    bool is_ready = out->pid > 0 && wait_ready(out, errors, words[0], fault);
    out->ready = instant_since(clock_monotonic(), start);
    if (!is_ready)
        program_stop(out);
    return is_ready;
}

bool program_serve(const struct bench *bench, const char *name, const char *data,
                   struct program *out, struct fault *fault)
{
    char path[500];
    snprintf(path, sizeof(path), "%s/%s", bench->build, name);
    char *words[] = {path,
                     (char[]){"serve"},
                     (char[]){"--data"},
                     (char *)(uintptr_t)data,
                     (char[]){"--listen"},
                     (char[]){"127.0.0.1:0"},
                     NULL};
    return start(bench, words, out, fault);
}

bool program_serve_studio(const struct bench *bench, const char *data, const char *settings,
                          const char *log, struct program *out, struct fault *fault)
{
    char path[500], file[600];
    snprintf(path, sizeof(path), "%s/atelier-fixture", bench->build);
    snprintf(file, sizeof(file), "%s/bench.yaml", data);
    char *words[] = {path,
                     (char[]){"serve"},
                     (char[]){"--data"},
                     (char *)(uintptr_t)data,
                     (char[]){"--listen"},
                     (char[]){"127.0.0.1:0"},
                     (char[]){"--config"},
                     file,
                     NULL};
    FILE *to = fopen(file, "we");
    if (to == NULL || fputs(settings, to) < 0 || fclose(to) != 0)
        return fault_os(fault, file);
    setenv("ATELIER_FIXTURE_NOOP", "1", 1);
    if (log != NULL)
        setenv(STATEMENT_LOG, log, 1);
    bool is_well = start(bench, words, out, fault);
    unsetenv("ATELIER_FIXTURE_NOOP");
    unsetenv(STATEMENT_LOG);
    return is_well;
}

void program_begin_log(const struct program *program)
{
    kill(program->pid, SIGUSR2);
}

void program_stop(struct program *program)
{
    int status;
    if (program->pid > 0) {
        kill(program->pid, SIGTERM);
        for (int ms = 0; waitpid(program->pid, &status, WNOHANG) == 0; ms += 5) {
            if (ms > STOP_MS)
                kill(program->pid, SIGKILL);
            usleep(5000);
        }
    }
    if (program->syncs != NULL)
        munmap((void *)(uintptr_t)program->syncs, sizeof(uint64_t));
    fd_close(&program->syncs_fd);
    *program = (struct program){.syncs_fd = -1};
}

/* ---- nginx ---- */

static bool find_port(uint16_t *out, struct fault *fault)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    AUTO(fd_close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        return fault_os(fault, "a free port");
    *out = ntohs(address.sin_port);
    return true;
}

static bool write_settings(const char *folder, uint16_t port, const char *server,
                           struct fault *fault)
{
    char path[600];
    snprintf(path, sizeof(path), "%s/nginx.conf", folder);
    FILE *file = fopen(path, "we");
    if (file == NULL)
        return fault_os(fault, path);
    fprintf(file,
            "daemon off; master_process off; worker_processes 1; error_log stderr crit;\n"
            "pid %s/pid;\n"
            "events { worker_connections 1024; }\n"
            "http { access_log off; keepalive_requests 1000000000; keepalive_timeout 600s;\n"
            "  client_body_temp_path %s; proxy_temp_path %s; fastcgi_temp_path %s;\n"
            "  uwsgi_temp_path %s; scgi_temp_path %s; default_type application/json;\n"
            "  upstream own { server 127.0.0.1:%u; keepalive 32; }\n"
            "  server { listen 127.0.0.1:%u; %s } }\n",
            folder, folder, folder, folder, folder, folder, port, port, server);
    return fclose(file) == 0 || fault_os(fault, path);
}

static bool start_nginx(const struct bench *bench, const char *server, struct program *out,
                        struct fault *fault)
{
    char folder[500], settings[600];
    *out = (struct program){.syncs_fd = -1};
    if (!folder_make(bench, "nginx", folder, fault) || !find_port(&out->port, fault) ||
        !write_settings(folder, out->port, server, fault))
        return false;
    snprintf(settings, sizeof(settings), "%s/nginx.conf", folder);
    out->pid = fork();
    if (out->pid == 0) {
        execlp("/usr/sbin/nginx", "nginx", "-p", folder, "-c", settings, NULL);
        _exit(127);
    }
    for (int tries = 0; out->pid > 0 && tries < 500; tries++) {
        AUTO(fd_close) int fd = program_connect(out->port, fault);
        if (fd >= 0)
            return true;
        usleep(10000);
    }
    program_stop(out);
    folder_remove(folder);
    return fault_set(fault, FAULT_SYSTEM, "nginx did not start; is /usr/sbin/nginx there?");
}

bool program_nginx(const struct bench *bench, str body, struct program *out, struct fault *fault)
{
    AUTO(arena_done) struct arena arena = {0};
    str server = str_format(&arena, "location / { return 200 '%.*s'; }", STR_ARG(body));
    return start_nginx(bench, server.at, out, fault);
}

bool program_nginx_keeping(const struct bench *bench, struct program *out, struct fault *fault)
{
    return start_nginx(bench,
                       "client_max_body_size 0;"
                       "location / { client_body_in_file_only on; proxy_pass http://own/done;"
                       "  proxy_pass_request_body off; proxy_set_header Content-Length \"\";"
                       "  proxy_http_version 1.1; proxy_set_header Connection \"\"; }"
                       "location /done { return 200 '{}'; }",
                       out, fault);
}

bool program_nginx_sending(const struct bench *bench, const char *folder, struct program *out,
                           struct fault *fault)
{
    AUTO(arena_done) struct arena arena = {0};
    str server = str_format(&arena, "location / { root %s; sendfile on; tcp_nopush on; }", folder);
    return start_nginx(bench, server.at, out, fault);
}

/* ---- what it used ---- */

size_t program_files_max(void)
{
    struct rlimit wanted = {FILES_WANTED, FILES_WANTED}, given;
    if (setrlimit(RLIMIT_NOFILE, &wanted) == 0)
        return FILES_WANTED;
    if (getrlimit(RLIMIT_NOFILE, &given) != 0)
        return 1024;
    given.rlim_cur = given.rlim_max;
    setrlimit(RLIMIT_NOFILE, &given);
    return (size_t)MIN_OF(given.rlim_cur, (rlim_t)FILES_WANTED);
}

span program_cpu(const struct program *program)
{
    char path[64], text[1024];
    snprintf(path, sizeof(path), "/proc/%d/stat", program->pid);
    FILE *file = fopen(path, "re");
    size_t len = file == NULL ? 0 : fread(text, 1, sizeof(text) - 1, file);
    if (file != NULL)
        fclose(file);
    text[len] = 0;
    unsigned long long user = 0, system = 0;
    const char *rest = strrchr(text, ')');
    if (rest == NULL || sscanf(rest, ") %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu %llu",
                               &user, &system) != 2)
        return (span){0};
    return (span){(int64_t)(user + system) * 1000000 / sysconf(_SC_CLK_TCK)};
}

int64_t program_rss(const struct program *program)
{
    char path[64];
    long long size = 0, resident = 0;
    snprintf(path, sizeof(path), "/proc/%d/statm", program->pid);
    FILE *file = fopen(path, "re");
    if (file == NULL || fscanf(file, "%lld %lld", &size, &resident) != 2)
        resident = 0;
    if (file != NULL)
        fclose(file);
    return resident * sysconf(_SC_PAGESIZE);
}

uint64_t program_syncs(const struct program *program)
{
    return *program->syncs;
}

double program_metric(const struct program *program, const char *name)
{
    AUTO(arena_done) struct arena arena = {0};
    str text, line;
    size_t len = strlen(name);
    if (!program_ask(program, "/metrics", NULL, &arena, &text, NULL))
        return NAN;
    while (str_split(&text, '\n', &line))
        if (line.len > len && memcmp(line.at, name, len) == 0 && line.at[len] == ' ')
            return strtod(str_zero_ended(&arena, str_slice(line, len + 1, line.len)), NULL);
    return NAN;
}

/* ---- asking ---- */

int program_connect_nth(uint16_t port, size_t n, struct fault *fault)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    struct sockaddr_in own = {.sin_family = AF_INET,
                              .sin_addr.s_addr =
                                  htonl(INADDR_LOOPBACK + (uint32_t)(n / ADDRESS_PORTS))};
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one)) == 0 &&
        (n < ADDRESS_PORTS || bind(fd, (struct sockaddr *)&own, sizeof(own)) == 0) &&
        connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0)
        return fd;
    fault_os(fault, "connect");
    fd_close(&fd);
    return -1;
}

int program_connect(uint16_t port, struct fault *fault)
{
    return program_connect_nth(port, 0, fault);
}

static bool send_all(int fd, str text)
{
    while (text.len > 0) {
        ssize_t sent = send(fd, text.at, text.len, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        text = str_slice(text, (size_t)sent, text.len);
    }
    return true;
}

static void read_all(int fd, struct buffer *to)
{
    for (;;) {
        char *room = buffer_reserve(to, KIB(16));
        ssize_t got = room == NULL ? 0 : read(fd, room, KIB(16));
        if (got <= 0)
            return;
        to->len += (size_t)got;
    }
}

bool program_ask(const struct program *program, const char *path, const char *body,
                 struct arena *arena, str *out, struct fault *fault)
{
    AUTO(fd_close) int fd = program_connect(program->port, fault);
    AUTO(buffer_done) struct buffer text = buffer_with_max(ANSWER_MAX);
    if (fd < 0)
        return false;
    buffer_format(&text, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: close\r\n",
                  body == NULL ? "GET" : "POST", path, program->port);
    if (body != NULL)
        buffer_format(&text,
                      "Origin: http://127.0.0.1:%u\r\nContent-Type: application/json\r\n"
                      "Content-Length: %zu\r\n",
                      program->port, strlen(body));
    buffer_format(&text, "\r\n%s", body == NULL ? "" : body);
    if (!send_all(fd, buffer_text(&text)))
        return fault_os(fault, path);
    buffer_clear(&text);
    read_all(fd, &text);
    buffer_char(&text, 0);
    const char *rest = strstr(text.at, "\r\n\r\n");
    if (rest == NULL || !str_starts(buffer_text(&text), STR("HTTP/1.1 200")))
        return fault_set(fault, FAULT_SYSTEM, "%s: %.150s", path, text.at);
    *out = str_copy(arena, str_of(rest + 4));
    return true;
}

bool program_seed(const struct program *program, int count, double balance, struct fault *fault)
{
    AUTO(arena_done) struct arena arena = {0};
    for (int start = 0; start < count; start += SEED_STEP) {
        str answer = {0};
        str body = str_format(&arena,
                              "{\"path\":\"seed:seed_range\",\"format\":\"json\",\"args\":{"
                              "\"start\":%d,\"count\":%d,\"initial\":%.0f}}",
                              start, MIN_OF(SEED_STEP, count - start), balance);
        if (!program_ask(program, "/api/mutation", body.at, &arena, &answer, fault))
            return false;
        if (!str_contains(answer, STR("\"success\"")))
            return fault_set(fault, FAULT_SYSTEM, "seeding: %.*s",
                             STR_ARG(str_slice(answer, 0, 200)));
    }
    return true;
}
