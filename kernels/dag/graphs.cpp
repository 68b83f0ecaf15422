// The recursions of the DAG loss, one sentence a thread.
//
// Scores of vertices are kept as floats times exp(exponent), with an exponent for each label and each block of 16
// vertices. So a step is a matrix product of probabilities, and yet scores may lie further apart than a float reaches:
// only a step whose log E is below about -87 is lost. Blocks of vertices are walked in order, each for all labels, since
// a vertex is reached from earlier ones only.
//
// Axes: B sentences; of one sentence, L vertices (padded to a multiple of 16, in blocks I and J), T labels.
#include <algorithm>
#include <limits>
#include <vector>

#include "vectors.h"

namespace {

// Vertices of a block.
constexpr int64_t SIDE = 16;
// The exponent of a block without any probability; finite, so that differences are no NaN.
constexpr float NONE = -1e30f;
constexpr float INF = std::numeric_limits<float>::infinity();
// An exponent whose exp is a float, with room for sums.
constexpr float MOST = 80;
// Vectors of a block.
constexpr int64_t PARTS = SIDE / LANES;
// Rows of a matrix product at a time: the sums fit into the registers, and are enough to hide how long an addition takes.
constexpr int64_t ROWS = LANES == 16 ? 10 : 6, EDGE_ROWS = LANES == 16 ? 8 : 4;

int64_t padded(int64_t n) { return (n + SIDE - 1) / SIDE * SIDE; }

// A value for each vertex of a block.
struct Block {
    Floats part[PARTS];
    Block() = default;
    explicit Block(float x) {
        for (int64_t i = 0; i < PARTS; i++) part[i] = fill(x);
    }
    // One vector at a time: a copy of all would go through memory in smaller pieces.
    explicit Block(const float* ptr) {
        for (int64_t i = 0; i < PARTS; i++) part[i] = load(ptr + i * LANES);
    }
    // The first `count` values are read, the others are set to `other`.
    Block(const float* ptr, int64_t count, float other) : Block(other) {
        std::memcpy(part, ptr, std::max<int64_t>(std::min(count, SIDE), 0) * sizeof(float));
    }
    void put(float* ptr) const {
        for (int64_t i = 0; i < PARTS; i++) store(ptr + i * LANES, part[i]);
    }
    // The first `count` values.
    void put(float* ptr, int64_t count) const {
        if (count >= SIDE) return put(ptr);
        float values[SIDE];
        put(values);
        std::memcpy(ptr, values, count * sizeof(float));
    }
    // All vectors of other blocks through a function of vectors.
    template <typename F, typename... Blocks>
    static Block of(F f, const Blocks&... x) {
        Block result;
        for (int64_t i = 0; i < PARTS; i++) result.part[i] = f(x.part[i]...);
        return result;
    }
    // The largest value; NaN if any is.
    float most() const {
        Floats all = part[0];
        for (int64_t i = 1; i < PARTS; i++) all = maximum(all, part[i]);
        return reduce_max(all);
    }
    float sum() const {
        Floats all = part[0];
        for (int64_t i = 1; i < PARTS; i++) all += part[i];
        return reduce_sum(all);
    }
};

// 1 at one vertex, 0 at the others.
Block one_at(int64_t vertex) {
    float values[SIDE] = {};
    values[vertex] = 1;
    return Block(values);
}

Block operator+(const Block& x, const Block& y) {
    return Block::of([](Floats a, Floats b) { return a + b; }, x, y);
}
Block operator*(const Block& x, const Block& y) {
    return Block::of([](Floats a, Floats b) { return a * b; }, x, y);
}
Block operator+(const Block& x, float y) { return x + Block(y); }
Block operator*(const Block& x, float y) { return x * Block(y); }

// exp(x) for x <= 80; what lies below -87 becomes exp(-87).
Block exp_of(const Block& x) { return Block::of([](Floats a) { return exp_negative(a); }, x); }

// exp(x) for x <= 0, and zero below -87, where exp_negative ends.
Block exp_or_zero(const Block& x) {
    return Block::of([](Floats a) { return a < -87.0f ? Floats{} : exp_negative(a); }, x);
}

// exp(x), with x at most `most`.
Block exp_up_to(float most, const Block& x) {
    return exp_of(Block::of([=](Floats a) { return a > most ? fill(most) : a; }, x));
}

struct Graph {
    const float* match;  // [L, T], rows `match_stride` apart
    const float* links;  // [L, L], rows `link_stride` apart
    int64_t match_stride, link_stride, vertices, labels;
    int64_t width() const { return padded(vertices); }
    int64_t blocks() const { return width() / SIDE; }
};

// sum over k of a[row, k] b[k, lane], for N rows. a: [N, count], b: [count, SIDE]
template <int64_t N>
__attribute__((always_inline)) inline void product(const float* a, int64_t row_stride, int64_t column_stride,
                                                   const float* b, int64_t b_stride, int64_t count, Block* out) {
    Floats sums[N][PARTS] = {};
    for (int64_t k = 0; k < count; k++) {
        Block x(b + k * b_stride);
        for (int64_t row = 0; row < N; row++) {
            float factor = a[row * row_stride + k * column_stride];
            for (int64_t i = 0; i < PARTS; i++) sums[row][i] += factor * x.part[i];
        }
    }
    for (int64_t row = 0; row < N; row++)
        for (int64_t i = 0; i < PARTS; i++) out[row].part[i] = sums[row][i];
}

// Values times exp(exponent): values [T + ROWS, width], exponents [blocks, T padded + SIDE].
struct Scores {
    int64_t width, stride;
    float *values, *exponents;
    Scores(float* values, float* exponents, int64_t labels, int64_t width)
        : width(width), stride(padded(labels) + SIDE), values(values), exponents(exponents) {}
    static int64_t values_size(int64_t labels, int64_t width) { return (labels + ROWS) * width; }
    static int64_t exponents_size(int64_t labels, int64_t width) {
        return width / SIDE * (padded(labels) + SIDE);
    }

    void clear(int64_t labels) {
        std::fill(values, values + values_size(labels, width), 0.0f);
        std::fill(exponents, exponents + exponents_size(labels, width), NONE);
    }
    float* block(int64_t label, int64_t number) const { return values + label * width + number * SIDE; }
    float& exponent(int64_t label, int64_t number) const { return exponents[number * stride + label]; }

    // Store x times exp(exponent), with the largest value 1.
    void put(int64_t label, int64_t number, const Block& x, float exponent_of_x) {
        float largest = x.most();
        if (largest == 0) return;
        // 1 / largest would be infinite for the smallest floats.
        Block::of([=](Floats a) { return a / largest; }, x).put(block(label, number));
        exponent(label, number) = exponent_of_x + std::log(largest);
    }
};

// The log-probabilities of the labels at a block of vertices: [T, SIDE], minus infinity beyond the last vertex.
struct Emissions {
    std::vector<float> logs;
    explicit Emissions(int64_t labels) : logs(labels * SIDE) {}

    void read(const Graph& graph, int64_t number) {
        std::fill(logs.begin(), logs.end(), -INF);
        int64_t lanes = std::min(SIDE, graph.vertices - number * SIDE);
        for (int64_t lane = 0; lane < lanes; lane++) {
            const float* row = graph.match + (number * SIDE + lane) * graph.match_stride;
            for (int64_t t = 0; t < graph.labels; t++) logs[t * SIDE + lane] = row[t];
        }
    }
    // x times the probabilities of a label, in units of exp(exponent); the exponent is that of x before. It follows the
    // largest log-probability of the vertices that x reaches.
    Block emit(int64_t label, const Block& x, float& exponent) const {
        auto reached = [](Floats a, Floats b) { return a == 0 ? fill(-INF) : b; };
        Block log = Block::of(reached, x, Block(&logs[label * SIDE]));
        float largest = log.most();
        if (largest == -INF) return Block(0.0f);
        exponent += largest;
        return x * exp_or_zero(log + -largest);
    }
};

// x, and `other` at the first `count` vertices of the block.
Block without_first(const Block& x, int64_t count, float other) {
    Block result;
    for (int64_t i = 0; i < PARTS; i++) result.part[i] = first_lanes(fill(other), count - i * LANES, x.part[i]);
    return result;
}

// The links of vertex i to the block that begins at vertex j, minus infinity where there is no step.
__attribute__((always_inline)) inline Block links_of(const Graph& graph, int64_t i, int64_t j) {
    const float* link = graph.links + i * graph.link_stride + j;
    int64_t lanes = i < graph.vertices ? graph.vertices - j : 0;
    Block x = lanes < SIDE ? Block(link, lanes, -INF) : Block(link);
    return i < j ? x : without_first(x, i - j + 1, -INF);
}

// E [width, width] from the diagonal's blocks on, and zero where there is no step.
void read_edges(const Graph& graph, float* edges) {
    int64_t width = graph.width();
    for (int64_t i = 0; i < width; i++)
        for (int64_t j = i / SIDE * SIDE; j < width; j += SIDE)
            exp_or_zero(links_of(graph, i, j)).put(edges + i * width + j);
}

// sums [T, SIDE] times exp(exponents [T]): what reaches a block of vertices from the blocks `first` to `end`. The sum of
// label 1 is of the scores of label `from`, and so on. steps(I): the probabilities [SIDE, SIDE] of steps from block I.
template <typename Steps>
void gather(const Scores& scores, int64_t labels, int64_t from, int64_t first, int64_t end, Steps steps, float* sums,
            float* exponents, float* factors) {
    int64_t count = labels - 1;
    std::fill(exponents, exponents + padded(labels) + SIDE, NONE);
    std::fill(sums, sums + (labels + ROWS) * SIDE, 0.0f);
    for (int64_t block = first; block < end; block++)
        for (int64_t t = 0; t < count; t += SIDE) {
            Block x(&scores.exponent(from + t, block)), most(exponents + 1 + t);
            Block::of([](Floats a, Floats b) { return a > b ? a : b; }, x, most).put(exponents + 1 + t);
        }
    for (int64_t block = first; block < end; block++) {
        bool any = false;
        for (int64_t t = 0; t < count; t++) any |= scores.exponent(from + t, block) != NONE;
        if (!any) continue;
        for (int64_t t = 0; t < count; t += SIDE)
            exp_or_zero(Block(&scores.exponent(from + t, block)) + Block(exponents + 1 + t) * -1).put(factors + t);
        for (int64_t t = 0; t < count; t += ROWS) {
            Block sum[ROWS];
            product<ROWS>(scores.block(from + t, block), scores.width, 1, steps(block), scores.width, SIDE, sum);
            for (int64_t row = 0; row < ROWS && t + row < count; row++) {
                float* out = sums + (1 + t + row) * SIDE;
                (Block(out) + sum[row] * factors[t + row]).put(out);
            }
        }
    }
}

// x times exp(exponent) plus y times exp(other); the exponent becomes the larger one.
Block add(const Block& x, float& exponent, const Block& y, float other) {
    float factor = std::exp(-std::fabs(exponent - other));
    if (other <= exponent) return x + y * factor;
    exponent = other;
    return x * factor + y;
}

// sum over k of a[k] b[k, lane]
Block combine(const float* a, const float* b, int64_t b_stride) {
    // Four sums, which do not wait for each other.
    Block sums[4] = {Block(0.0f), Block(0.0f), Block(0.0f), Block(0.0f)};
    for (int64_t k = 0; k < SIDE; k += 4)
        for (int64_t part = 0; part < 4; part++) sums[part] = sums[part] + Block(b + (k + part) * b_stride) * a[k + part];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

// Memory of one thread, as large as its largest graph.
struct Scratch {
    std::vector<float> edges, turned, values, exponents, sums, sum_exponents, factors, weighted;
    void fit(const Graph& graph, bool backward) {
        int64_t width = graph.width(), labels = graph.labels;
        grow(edges, width * width);
        grow(sums, (labels + ROWS) * SIDE);
        grow(sum_exponents, padded(labels) + 2 * SIDE);
        grow(factors, padded(labels) + 2 * SIDE);
        if (!backward) return;
        grow(turned, width * width);
        grow(values, Scores::values_size(labels, width));
        grow(exponents, Scores::exponents_size(labels, width));
        grow(weighted, labels * SIDE);
    }

private:
    static void grow(std::vector<float>& x, int64_t size) {
        if ((int64_t)x.size() < size) x.resize(size);
    }
};

// log P of the labels; `scores` becomes the probabilities of the labels so far and of the vertex.
float forward(const Graph& graph, Scratch& scratch, Scores scores) {
    int64_t width = graph.width(), labels = graph.labels;
    scores.clear(labels);
    if (labels > graph.vertices) return -INF;
    scratch.fit(graph, false);
    float* edges = scratch.edges.data();
    read_edges(graph, edges);
    Emissions emissions(labels);
    const Block first = one_at(0);
    for (int64_t block = 0; block < graph.blocks(); block++) {
        auto steps = [&](int64_t other) { return edges + other * SIDE * width + block * SIDE; };
        emissions.read(graph, block);
        gather(scores, labels, 0, 0, block, steps, scratch.sums.data(), scratch.sum_exponents.data(),
               scratch.factors.data());
        // Only vertex 0 emits the first label.
        if (block == 0 && graph.match[0] != -INF) scores.put(0, 0, first, graph.match[0]);
        for (int64_t t = 1; t < labels; t++) {
            float exponent = scratch.sum_exponents[t];
            Block inside = combine(scores.block(t - 1, block), steps(block), width);
            Block x = add(Block(&scratch.sums[t * SIDE]), exponent, inside, scores.exponent(t - 1, block));
            x = emissions.emit(t, x, exponent);
            scores.put(t, block, x, exponent);
        }
    }
    int64_t last = graph.vertices - 1;
    float value = scores.values[(labels - 1) * width + last];
    return value == 0 ? -INF : scores.exponent(labels - 1, last / SIDE) + std::log(value);
}

void transpose(const float* from, int64_t width, float* to) {
    for (int64_t i = 0; i < width; i += SIDE)
        for (int64_t j = i; j < width; j += SIDE)
            for (int64_t row = 0; row < SIDE; row++)
                for (int64_t lane = 0; lane < SIDE; lane++)
                    to[(j + row) * width + i + lane] = from[(i + lane) * width + j + row];
}

// d_links: [L, columns] = scale times the posterior of each edge, from the scores of both directions.
void edge_posteriors(const Graph& graph, const Scores& before, const Scores& after, float log_prob, float scale,
                     Scratch& scratch, float* d_links, int64_t columns) {
    const float* edges = scratch.edges.data();
    int64_t width = graph.width(), count = graph.labels - 1;
    float *weighted = scratch.weighted.data(), *factors = scratch.factors.data();
    for (int64_t from = 0; from < graph.blocks(); from++) {
        int64_t rows = std::min(SIDE, graph.vertices - from * SIDE);
        for (int64_t row = 0; row < rows; row++) {
            float* begin = d_links + (from * SIDE + row) * columns;
            std::fill(begin, begin + from * SIDE, 0.0f);
            std::fill(begin + graph.vertices, begin + columns, 0.0f);
        }
        for (int64_t to = from; to < graph.blocks(); to++) {
            float most = NONE;
            for (int64_t t = 0; t < count; t++)
                most = std::max(most, before.exponent(t, from) + after.exponent(t + 1, to) - log_prob);
            // Where all edges are improbable, the factors alone may exceed a float: half goes to the edges.
            float half = std::min(std::max(most / 2, 0.0f), MOST), edge_factor = std::exp(half);
            for (int64_t t = 0; t < count; t += SIDE) {
                Block x = Block(&before.exponent(t, from)) + Block(&after.exponent(t + 1, to)) + (-log_prob - half);
                exp_up_to(MOST, x).put(factors + t);
            }
            for (int64_t t = 0; t < count; t++)
                (Block(after.block(t + 1, to)) * factors[t]).put(weighted + t * SIDE);
            for (int64_t row = 0; row < rows; row += EDGE_ROWS) {
                Block sums[EDGE_ROWS];
                product<EDGE_ROWS>(before.block(0, from) + row, 1, width, weighted, SIDE, most > NONE ? count : 0, sums);
                for (int64_t one = row; one < std::min(row + EDGE_ROWS, rows); one++) {
                    int64_t vertex = from * SIDE + one;
                    Block edge = Block(edges + vertex * width + to * SIDE) * edge_factor;
                    (edge * sums[one - row] * scale).put(d_links + vertex * columns + to * SIDE, graph.vertices - to * SIDE);
                }
            }
        }
    }
}

// d_match [L, match_columns], zero before, and d_links [L, link_columns], for a sentence with a path. Returns the sum of
// the posteriors of its vertices, which is T but for what was lost in either direction.
float backward(const Graph& graph, Scratch& scratch, const Scores& before, float log_prob, float scale, float* d_match,
              int64_t match_columns, float* d_links, int64_t link_columns) {
    int64_t width = graph.width(), labels = graph.labels, last = graph.vertices - 1;
    scratch.fit(graph, true);
    Scores after(scratch.values.data(), scratch.exponents.data(), labels, width);
    after.clear(labels);
    // Again, rather than kept: that would take longer to write and read.
    read_edges(graph, scratch.edges.data());
    transpose(scratch.edges.data(), width, scratch.turned.data());
    const float* turned = scratch.turned.data();
    Emissions emissions(labels);
    Block mass(0.0f);
    for (int64_t block = graph.blocks() - 1; block >= 0; block--) {
        auto steps = [&](int64_t other) { return turned + other * SIDE * width + block * SIDE; };
        emissions.read(graph, block);
        gather(after, labels, 1, block + 1, graph.blocks(), steps, scratch.sums.data(),
               scratch.sum_exponents.data(), scratch.factors.data());
        // Sum t + 1 is what follows label t.
        for (int64_t t = labels - 1; t >= 0; t--) {
            float exponent = NONE;
            Block x(0.0f);
            if (t == labels - 1) {
                if (block == last / SIDE) x = one_at(last % SIDE), exponent = 0;
            } else {
                exponent = scratch.sum_exponents[t + 1];
                Block inside = combine(after.block(t + 1, block), steps(block), width);
                x = add(Block(&scratch.sums[(t + 1) * SIDE]), exponent, inside, after.exponent(t + 1, block));
            }
            // In two steps: the factor alone may exceed a float.
            float half = std::exp(std::min((before.exponent(t, block) + exponent - log_prob) / 2, MOST));
            Block posterior = Block(before.block(t, block)) * (x * half) * half;
            mass = mass + posterior;
            float values[SIDE];
            (posterior * scale).put(values);
            for (int64_t lane = 0; lane < std::min(SIDE, graph.vertices - block * SIDE); lane++)
                d_match[(block * SIDE + lane) * match_columns + t] = values[lane];
            x = emissions.emit(t, x, exponent);
            after.put(t, block, x, exponent);
        }
    }
    edge_posteriors(graph, before, after, log_prob, scale, scratch, d_links, link_columns);
    return mass.sum();
}

// The score of the best path, and its vertices [T]; of tied predecessors the first.
float best_path(const Graph& graph, std::vector<float>& scores, std::vector<int32_t>& steps, int64_t* path) {
    int64_t vertices = graph.vertices, width = graph.width(), labels = graph.labels;
    scores.assign(2 * width, -INF);
    steps.resize(labels * width);
    float *from = scores.data(), *to = from + width;
    from[0] = graph.match[0];
    for (int64_t t = 1; t < labels; t++, std::swap(from, to))
        for (int64_t j = 0; j < vertices; j += SIDE) {
            int64_t lanes = std::min(SIDE, vertices - j);
            Block best(-INF);
            Ints step[PARTS] = {};
            for (int64_t i = t - 1; i < std::min(j + SIDE, vertices); i++) {
                if (from[i] == -INF) continue;
                Block x = links_of(graph, i, j);
                for (int64_t part = 0; part < PARTS; part++) {
                    Floats score = x.part[part] + from[i];
                    Ints better = score > best.part[part];
                    best.part[part] = better ? score : best.part[part];
                    step[part] = better ? Ints{} + (int32_t)i : step[part];
                }
            }
            float scores_here[SIDE];
            best.put(scores_here);
            for (int64_t lane = 0; lane < lanes; lane++)
                to[j + lane] = scores_here[lane] + graph.match[(j + lane) * graph.match_stride + t];
            std::memcpy(&steps[t * width + j], step, sizeof step);
        }
    int64_t at = vertices - 1;
    float score = from[at];
    for (int64_t t = labels - 1; t >= 0; at = t ? steps[t * width + at] : at, t--) path[t] = at;
    return score;
}

// The scores that are kept of a sentence.
Scores kept_scores(float* values, const Graph& graph) {
    int64_t width = graph.width();
    return {values, values + Scores::values_size(graph.labels, width), graph.labels, width};
}

struct Batch {
    const float *match, *links;
    const int64_t *bounds, *labels;
    int64_t match_columns, link_columns;
    Graph graph(int64_t s) const {
        return {match + bounds[s] * match_columns, links + bounds[s] * link_columns, match_columns, link_columns,
                bounds[s + 1] - bounds[s], labels[s]};
    }
};

}  // namespace

extern "C" {

// Floats that `dag_forward` keeps of a sentence: the values and the exponents of its scores.
int64_t dag_kept(int64_t vertices, int64_t labels) {
    int64_t width = padded(vertices);
    return Scores::values_size(labels, width) + Scores::exponents_size(labels, width);
}

// match: [P, match_columns]; links: [P, link_columns]; bounds: [B + 1]; labels: [B]; out: [B]. kept: what is kept of each
// sentence, from `starts` [B] on.
void dag_forward(const float* match, const float* links, const int64_t* bounds, const int64_t* labels,
                 const int64_t* starts, int64_t sentences, int64_t match_columns, int64_t link_columns, float* out,
                 float* kept, int threads) {
    Batch batch{match, links, bounds, labels, match_columns, link_columns};
#pragma omp parallel num_threads(threads)
    {
        Scratch scratch;
#pragma omp for schedule(dynamic)
        for (int64_t s = 0; s < sentences; s++) {
            Graph graph = batch.graph(s);
            out[s] = forward(graph, scratch, kept_scores(kept + starts[s], graph));
        }
    }
}

// d_out, out: [B]; d_match: [P, match_columns], zero before; d_links: [P, link_columns]; mass: [B] the sums of the
// posteriors of all vertices, zero for a sentence without a path.
void dag_backward(const float* match, const float* links, const int64_t* bounds, const int64_t* labels,
                  const int64_t* starts, int64_t sentences, int64_t match_columns, int64_t link_columns,
                  const float* out, float* kept, const float* d_out, float* d_match, float* d_links, float* mass,
                  int threads) {
    Batch batch{match, links, bounds, labels, match_columns, link_columns};
#pragma omp parallel num_threads(threads)
    {
        Scratch scratch;
#pragma omp for schedule(dynamic)
        for (int64_t s = 0; s < sentences; s++) {
            mass[s] = 0;
            Graph graph = batch.graph(s);
            float* links_of_sentence = d_links + bounds[s] * link_columns;
            if (out[s] == -INF) {
                std::fill(links_of_sentence, links_of_sentence + graph.vertices * link_columns, 0.0f);
                continue;
            }
            mass[s] = backward(graph, scratch, kept_scores(kept + starts[s], graph), out[s], d_out[s],
                               d_match + bounds[s] * match_columns, match_columns, links_of_sentence, link_columns);
        }
    }
}

// out: [B]; path: [B, path_columns] the vertices of the best path.
void dag_best_path(const float* match, const float* links, const int64_t* bounds, const int64_t* labels,
                   int64_t sentences, int64_t match_columns, int64_t link_columns, float* out, int64_t* path,
                   int64_t path_columns, int threads) {
    Batch batch{match, links, bounds, labels, match_columns, link_columns};
#pragma omp parallel num_threads(threads)
    {
        std::vector<float> scores;
        std::vector<int32_t> steps;
#pragma omp for schedule(dynamic)
        for (int64_t s = 0; s < sentences; s++)
            out[s] = best_path(batch.graph(s), scores, steps, path + s * path_columns);
    }
}
}
