/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conversations of the sync protocol with a whole front, over sockets: loop, live queries, writer
 * and readers, all stepped by the input, on a set clock. Each line is a message of the client that
 * speaks, or "!" and a letter for what else happens. The clients (sync_client.c) check all they
 * hear. When everything has come to rest each client holds exactly what its queries answer now,
 * every call is answered, no mutation was done twice; and in the end nothing is left.
 *
 * In a message @0 to @9 is a token (0 and 1 are Alice's, 2 is Bob's, the rest are no good), #1 to
 * #9 an item's id, %0 to %9 where the page of that query ended; ~ is 8 KiB of x, and so is ^, but
 * 512 KiB after "!l": most inputs should be fast. An input that begins with "!b" has little memory.
 */
#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "call/readers.h"
#include "functions.h"
#include "net/conn.h"

#include "fuzz.h"
#include "sync_client.h"
#include "sync_tokens.h"

#define INPUT_MAX KIB(8)
#define CLIENTS 3
#define LARGE_MAX 11 /* pieces: just enough for a transition in chunks */
#define BEGINNING_US INT64_C(1800000000000000)

/* ---- the clock: that of base/clock.c is left out of the program ---- */

static int64_t passed;

instant clock_now(void)
{
    return (instant){BEGINNING_US + passed};
}

instant clock_monotonic(void)
{
    return (instant){INT64_C(1000000000) + passed};
}

span clock_cpu(void)
{
    return (span){0};
}

/* ---- functions ---- */

NO_ARGS(see)
NO_ARGS(minute)
NO_ARGS(large)
NO_ARGS(even)
BACKEND_FUNCTION(see, char)
BACKEND_FUNCTION(minute, int64_t)
BACKEND_FUNCTION(large, int64_t)
BACKEND_FUNCTION(even, int64_t)

static const struct function own_functions[] = {
    MUTATION("users:see", see, .caller = INTERNAL, .returns = RETURNS_NULL),
    QUERY("time:minute", minute, .caller = ANYONE, .returns = RETURNS_INT),
    QUERY("large:count", large, .caller = ANYONE, .ignores_caller = true, .returns = RETURNS_INT),
    QUERY("even:count", even, .caller = ANYONE, .ignores_caller = true, .returns = RETURNS_INT),
};

static void see(struct call *call, const struct see_args *args, char *result)
{
    REQUIRE(call, call->identity != NULL, INTERNAL_ERROR, "Nobody to see.");
}

static void minute(struct call *call, const struct minute_args *args, int64_t *result)
{
    *result = call->now.us / MINUTES(1).us;
    call_valid_until(call, (instant){(*result + 1) * MINUTES(1).us});
}

static int64_t items_of(struct view *view)
{
    struct scan scan;
    int64_t count = 0;
    view_scan(view, index_of(&item_type, "by_creation"), (struct bounds){0}, ORDER_UP, &scan);
    for (doc_id id; scan_next_id(&scan, &id);)
        count++;
    scan_end(&scan);
    return count;
}

/* Reads more than a round does. */
static void large(struct call *call, const struct large_args *args, int64_t *result)
{
    struct item item;
    for (int64_t i = 1; i <= 300; i++)
        row_find(call, &item_type, (doc_id){INT64_C(1000000) + i}, &item);
    *result = items_of(call->view);
}

/* Fails now and then, and recovers. */
static void even(struct call *call, const struct even_args *args, int64_t *result)
{
    *result = items_of(call->view);
    REQUIRE(call, *result % 2 == 0, STATE, "There are %lld items.", (long long)*result);
}

static void resolve(struct call *call)
{
    call->caller = (doc_id){1 + (int64_t)call->identity->subject.len};
}

/* ---- what is made once ---- */

static struct program program = {.seal_key = "a key that nobody outside knows", .resolve = resolve};
static struct verifier *verifier;
static str tokens[SYNC_TOKENS];
static struct arena always; /* what lives as long as the program */

static void begin(void)
{
    const struct function *const tables[] = {own_functions, fixture_item_functions,
                                             fixture_wire_functions};
    const size_t counts[] = {ARRAY_LEN(own_functions), fixture_item_function_count,
                             fixture_wire_function_count};
    static const struct doc_type *const types[] = {&item_type};
    static const struct schema schema = {types, ARRAY_LEN(types), 0};
    passed = 0;
    log_set_level(LOG_ERROR);
    doc_id_set_key((const uint8_t *)"0123456789abcdef");
    verifier = sync_tokens_make(&always, (instant){BEGINNING_US}, tokens);
    program.schema = &schema;
    program_init(&program, tables, counts, ARRAY_LEN(tables));
}

/* ---- the world of one input ---- */

struct call_said {
    struct hash128 name;
    uint32_t number;
    bool is_done;
    struct hash128 result;
    uint64_t ts;
};

struct world {
    struct budgets budgets;
    struct loop *loop;
    struct store *store;
    struct commit_log *log;
    struct writer *writer;
    struct readers *readers;
    struct front *front;
    struct sync_client clients[CLIENTS];
    struct sync_client *speaker;
    size_t larges; /* left */
    bool is_killed;
    struct call_said said[ASKED_MAX];
    size_t said_count;
    size_t mutations_max; /* how many may have been done, if each is done at most once */
};

/* Tight: some of what is said is shed. Sanitizers take more memory than their part, so the size of
 * the process does not count. */
static void make_budgets(struct budgets *budgets, bool is_tight)
{
    budgets_divide(budgets, is_tight ? MIB(1) : MIB(4096));
    budgets->limit = SIZE_MAX / 2;
    budgets->connections.max = MIB(64);
}

static void open_world(struct world *world, bool is_tight)
{
    struct fault fault = {0};
    make_budgets(&world->budgets, is_tight);
    passed = 0;
    world->log = commit_log_new();
    world->loop = loop_new(&fault);
    struct store_options store = {.engine = STORE_MEMORY,
                                  .schema = program.schema,
                                  .now = clock_now(),
                                  .before_commit = commit_log_before_commit,
                                  .context = world->log};
    bool is_open = world->loop != NULL && store_open(&store, &world->store, &fault);
    assert(is_open);
    world->writer = writer_new(
        &(struct writer_options){
            .program = &program, .store = world->store, .log = world->log, .seed = 1},
        &fault);
    world->readers = readers_new(&(struct readers_options){.clock = clock_now}, &fault);
    struct front_options front = {.program = &program,
                                  .store = world->store,
                                  .writer = world->writer,
                                  .log = world->log,
                                  .readers = world->readers,
                                  .verifier = verifier,
                                  .temp_dir = "/tmp",
                                  .budgets = &world->budgets,
                                  .listen = "127.0.0.1:0",
                                  .version = "0"};
    is_open = front_open(world->loop, &front, &world->front, &fault);
    assert(is_open);
    for (size_t i = 0; i < CLIENTS; i++)
        world->clients[i].fd = -1;
}

static void hear_all(struct world *world, bool *has_news)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        struct sync_client *client = &world->clients[i];
        bool is_under_way = !client_is_heard(client);
        *has_news |= (!client->is_deaf && client_hear(client)) || is_under_way;
    }
}

/* What is to be done in no time is done in the next microsecond. */
static void turn_loop(struct world *world)
{
    passed++;
    loop_turn(world->loop, MICROSECONDS(0));
}

static void turn(void *context)
{
    struct world *world = context;
    bool has_news = false;
    turn_loop(world);
    hear_all(world, &has_news);
}

static struct call_said *said_before(struct world *world, const struct sync_client *client,
                                     uint32_t number)
{
    for (size_t i = 0; i < world->said_count && client->name_is_plain; i++) {
        struct call_said *said = &world->said[i];
        if (said->number == number && said->name.a == client->name.a &&
            said->name.b == client->name.b)
            return said;
    }
    return NULL;
}

/* One more may be done, unless the server has to know it. */
static void note_mutation(struct world *world, const struct sync_client *client)
{
    uint32_t number = client->asked[client->asked_to - 1];
    if (said_before(world, client, number) != NULL)
        return;
    world->mutations_max++;
    if (client->name_is_plain && world->said_count < ASKED_MAX)
        world->said[world->said_count++] =
            (struct call_said){.name = client->name, .number = number};
}

/* Whoever asks again hears the same again. */
static void on_done(void *context, const struct sync_client *client, uint32_t number, bool is_well,
                    struct hash128 result, uint64_t ts)
{
    struct call_said *said = said_before(context, client, number);
    if (said == NULL)
        return;
    assert(!said->is_done ||
           (is_well && said->ts == ts && said->result.a == result.a && said->result.b == result.b));
    said->is_done = is_well;
    said->result = result;
    said->ts = ts;
}

/* The newest session is its own, unless it is over already. A client whose session was at that
 * address before has none any more: only ASan never gives an address out again. */
static void take_session(struct world *world, struct sync_client *client)
{
    struct sync_session *newest = world->front->sessions;
    if (!client->is_welcome || client->is_over || client->is_closed)
        return;
    for (size_t i = 0; i < CLIENTS; i++)
        if (world->clients[i].session == newest)
            world->clients[i].session = NULL;
    client->session = newest;
}

static void connect_client(struct world *world, struct sync_client *client, const char *version)
{
    const struct sockaddr_storage from = {.ss_family = AF_UNIX};
    int other;
    client_connect(client, version, &other);
    client->on_done = on_done;
    client->context = world;
    server_welcome(world->front->http, other, &from);
    for (int i = 0; i < 3; i++)
        turn(world);
    assert(client->is_welcome || world->front->is_draining);
    take_session(world, client);
}

/* ---- at rest ---- */

static struct sync_client *client_of(struct world *world, const struct sync_session *session)
{
    for (size_t i = 0; i < CLIENTS; i++)
        if (world->clients[i].fd >= 0 && world->clients[i].session == session)
            return &world->clients[i];
    return NULL;
}

static void check_query(struct world *world, const struct sync_client *client,
                        const struct session_query *query)
{
    AUTO(arena_done) struct arena arena = {0};
    AUTO(buffer_done) struct buffer text = {0};
    const struct told *told = client_told(client, query->subscription.id);
    struct call_request request = {.path = function_path(&arena, query->path),
                                   .args = query->args,
                                   .identity = client->session->identity};
    struct call_reply reply;
    struct view view;
    struct fault fault;
    struct json value;
    assert(told != NULL);
    request.journal = told->journal;
    bool is_open = view_begin(world->store, &arena, &view, &fault);
    assert(is_open);
    execute_query(&program, &request, FUNCTION_QUERY, &view, &arena, clock_now(), &reply);
    if (reply.error == ERROR_NONE) {
        bool is_json = json_read(&arena, reply.value, JSON_DEPTH_LIMIT, &value, NULL);
        assert(is_json);
        json_write_canonical(&text, &value);
    } else {
        json_write_text(&text, reply.error_text);
    }
    view_end(&view);
    assert(told->is_failure == (reply.error != ERROR_NONE));
    assert(str_equal(told->text, buffer_text(&text)));
}

static void check_session(struct world *world, const struct sync_session *session)
{
    struct sync_client *client = client_of(world, session);
    if (session->socket == NULL || session->is_ending)
        return;
    assert(client != NULL);
    assert(!client->is_over && !client->is_closed);
    assert(instant_since(clock_monotonic(), client->heard_at).us <= SECONDS(16).us);
    assert(!client->has_signed_out || session->identity == NULL);
    assert(session->identity == NULL || session->identity->expires_at.us > BEGINNING_US);
    assert(session->calls == 0 && !session->is_paused && session->inbox.len == 0);
    assert(session->call_bytes == 0 && session->removed_count == 0);
    assert(client->version.query_set == session->received.query_set);
    assert(client->version.identity == session->received.identity);
    assert(client->version.ts.n >= client->owed);
    assert(client->asked_from == client->asked_to);
    assert(client->actions_answered == client->actions_asked);
    assert(client->told_count == session->query_count);
    for (const struct session_query *query = session->queries; query != NULL; query = query->next)
        check_query(world, client, query);
}

static size_t count_items(struct world *world)
{
    AUTO(arena_done) struct arena arena = {0};
    struct view view;
    struct fault fault;
    bool is_open = view_begin(world->store, &arena, &view, &fault);
    assert(is_open);
    int64_t count = items_of(&view);
    view_end(&view);
    return (size_t)count;
}

static void settle(struct world *world)
{
    for (size_t i = 0; i < CLIENTS; i++)
        world->clients[i].is_deaf = false;
    int quiet = 0;
    for (int turns = 0; quiet < 4; turns++) {
        bool has_news = writer_step(world->writer, clock_now());
        has_news |= readers_step(world->readers);
        turn_loop(world);
        hear_all(world, &has_news);
        quiet = has_news ? 0 : quiet + 1;
        assert(turns < 20000);
    }
    for (struct sync_session *session = world->front->sessions; session != NULL;
         session = session->next)
        check_session(world, session);
    assert(count_items(world) <= world->mutations_max);
    assert(!budget_is_over(&world->budgets.live) && !budget_is_over(&world->budgets.calls));
}

/* All that was taken was given back. */
static void check_budget(const struct budget *budget)
{
    assert(budget->used == 0 && budget->strangers == 0);
}

static void leave_one_by_one(struct world *world)
{
    for (size_t i = 0; i < CLIENTS; i++)
        client_cut(&world->clients[i]);
    for (int turns = 0; http_connections(world->front->http) != 0 ||
                        world->front->sessions != NULL || readers_waiting(world->readers) != 0;
         turns++) {
        assert(turns < 1000);
        passed += SECONDS(1).us;
        writer_step(world->writer, clock_now());
        readers_step(world->readers);
        loop_turn(world->loop, MICROSECONDS(0));
    }
    struct live_counts counts = live_counts(world->front->live);
    assert(world->front->session_count == 0);
    assert(counts.queries == 0 && counts.subscriptions == 0 && counts.watches == 0);
    check_budget(&world->budgets.live);
    check_budget(&world->budgets.unsent);
    check_budget(&world->budgets.calls);
    check_budget(&world->budgets.connections);
}

/* In the order of server_close. */
static void close_world(struct world *world)
{
    readers_free(world->readers);
    front_close(world->front);
    writer_free(world->writer);
    store_close(world->store);
    commit_log_free(world->log);
    loop_free(world->loop);
    for (size_t i = 0; i < CLIENTS; i++)
        client_cut(&world->clients[i]);
}

/* ---- lines ---- */

static void add_piece(struct world *world, struct buffer *text, char what)
{
    bool is_large = what == '^' && world->larges > 0;
    size_t len = is_large ? KIB(512) : KIB(8);
    world->larges -= is_large;
    char *at = buffer_reserve(text, len);
    assert(at != NULL);
    memset(at, 'x', len);
    text->len += len;
}

/* What stands for a token, an item's id, or where the page of a query ended. */
static void add_named(struct world *world, struct buffer *text, char what, char which)
{
    char id[DOC_ID_TEXT];
    int digit = which - '0';
    const struct told *told = client_told(world->speaker, (uint32_t)digit);
    if (what == '@') {
        buffer_str(text, tokens[digit]);
    } else if (what == '#') {
        doc_id_write(&item_type, (doc_id){digit}, id);
        buffer_add(text, id, sizeof(id));
    } else if (told != NULL) {
        buffer_str(text, told->journal);
    }
}

static void say(struct world *world, str line)
{
    AUTO(buffer_done) struct buffer text = {0};
    struct sync_client *client = world->speaker;
    for (size_t i = 0; i < line.len; i++) {
        char what = line.at[i], which = i + 1 < line.len ? line.at[i + 1] : 0;
        if ((what == '@' || what == '#' || what == '%') && which >= '0' && which <= '9') {
            add_named(world, &text, what, which);
            i++;
        } else if (what == '~' || what == '^') {
            add_piece(world, &text, what);
        } else {
            buffer_char(&text, what);
        }
    }
    size_t asked = client->asked_to;
    client_say(client, buffer_text(&text), turn, world);
    if (client->fd >= 0 && client->asked_to > asked)
        note_mutation(world, client);
}

/* For its user row: the few bytes of that are freed by the answer only, which never comes then. */
static bool is_somebody_waiting(const struct world *world)
{
    for (const struct sync_session *session = world->front->sessions; session != NULL;
         session = session->next)
        if (session->is_paused)
            return true;
    return false;
}

static void happen(struct world *world, char what)
{
    switch (what) {
    case '1':
    case '2':
    case '3':
        world->speaker = &world->clients[what - '1'];
        if (world->speaker->fd < 0)
            connect_client(world, world->speaker, "1.48.0");
        break;
    case 'c': /* its connection breaks, and it comes back */
        connect_client(world, world->speaker, "1.48.0");
        break;
    case 'o': /* with an old client */
        connect_client(world, world->speaker, "1.27.9");
        break;
    case 'x':
        front_drain(world->front);
        break;
    case 'k': /* the server ends here, whatever is under way */
        world->is_killed = !is_somebody_waiting(world);
        break;
    case 'l':
        world->larges = LARGE_MAX;
        break;
    case 'w':
        writer_step(world->writer, clock_now());
        break;
    case 'r':
        readers_step(world->readers);
        break;
    case 'p':
        passed += SECONDS(12).us;
        break;
    case 'h': /* not so often that outcomes may be forgotten */
        passed += passed < DAYS(10).us ? HOURS(1).us : 0;
        break;
    case 'd':
        world->speaker->is_deaf = !world->speaker->is_deaf;
        break;
    case 'g':
        client_say_goodbye(world->speaker);
        break;
    case 's':
        settle(world);
        break;
    default:
        break;
    }
}

int fuzz_one(const uint8_t *data, size_t size)
{
    if (verifier == NULL)
        begin();
    struct world *world = memory_zeroed(sizeof(*world));
    str input = {(const char *)data, MIN_OF(size, INPUT_MAX)}, line;
    open_world(world, str_starts(input, STR("!b\n")));
    world->speaker = &world->clients[0];
    connect_client(world, world->speaker, "1.48.0");
    while (!world->is_killed && str_split(&input, '\n', &line)) {
        if (line.len == 2 && line.at[0] == '!')
            happen(world, line.at[1]);
        else
            say(world, line);
        turn(world);
    }
    if (!world->is_killed) {
        settle(world);
        leave_one_by_one(world);
    }
    close_world(world);
    free(world);
    return 0;
}
