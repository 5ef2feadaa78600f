#include "core/email/markdown_html.hpp"

#include <memory>
#include <utility>
#include <vector>

#include <cmark.h>

#include "core/text.hpp"

namespace herald {

namespace {

struct free_node {
  void operator()(cmark_node* x) const { cmark_node_free(x); }
};
struct free_iter {
  void operator()(cmark_iter* x) const { cmark_iter_free(x); }
};
using node_ptr = std::unique_ptr<cmark_node, free_node>;
using iter_ptr = std::unique_ptr<cmark_iter, free_iter>;

/// Without CMARK_OPT_UNSAFE the library lets no HTML pass; we leave it none to drop.
constexpr int options = CMARK_OPT_HARDBREAKS | CMARK_OPT_VALIDATE_UTF8;

node_ptr parse(std::string_view markdown) {
  if (markdown.size() > markdown_limit) {
    auto end = markdown_limit;
    while (end > 0 && (static_cast<unsigned char>(markdown[end]) & 0xC0U) == 0x80U)
      --end;
    markdown = markdown.substr(0, end);
  }
  return node_ptr{cmark_parse_document(markdown.data(), markdown.size(), options)};
}

std::string html_of(cmark_node* x) {
  auto text = cmark_render_html(x, options);
  auto out = std::string{text};
  cmark_get_default_mem_allocator()->free(text);
  return out;
}

/// All nodes in order of appearance, for changes that an iterator would not survive.
std::vector<cmark_node*> nodes_of(cmark_node* root) {
  std::vector<cmark_node*> out;
  auto iter = iter_ptr{cmark_iter_new(root)};
  for (auto event = cmark_iter_next(iter.get()); event != CMARK_EVENT_DONE;
       event = cmark_iter_next(iter.get()))
    if (event == CMARK_EVENT_ENTER)
      out.push_back(cmark_iter_get_node(iter.get()));
  return out;
}

/// Puts `x` in the place of `old`, which is freed.
void replace(cmark_node* old, cmark_node* x) {
  cmark_node_replace(old, x);
  cmark_node_free(old);
}

/// The HTML of a node as text.
cmark_node* shown_html(cmark_node* x) {
  auto text = std::string{cmark_node_get_literal(x)};
  while (text.ends_with('\n'))
    text.pop_back();
  auto out = cmark_node_new(CMARK_NODE_TEXT);
  cmark_node_set_literal(out, text.c_str());
  return out;
}

cmark_node* paragraph_of(cmark_node* inline_node) {
  auto out = cmark_node_new(CMARK_NODE_PARAGRAPH);
  cmark_node_append_child(out, inline_node);
  return out;
}

/// Puts the children of `x` in its place.
void unwrap(cmark_node* x) {
  while (auto child = cmark_node_first_child(x))
    cmark_node_insert_before(x, child);
  cmark_node_unlink(x);
  cmark_node_free(x);
}

void make_paragraph(cmark_node* heading) {
  auto out = cmark_node_new(CMARK_NODE_PARAGRAPH);
  while (auto child = cmark_node_first_child(heading))
    cmark_node_append_child(out, child);
  replace(heading, out);
}

void make_harmless(cmark_node* document) {
  for (auto x : nodes_of(document)) {
    switch (cmark_node_get_type(x)) {
    case CMARK_NODE_HTML_BLOCK:
      replace(x, paragraph_of(shown_html(x)));
      break;
    case CMARK_NODE_HTML_INLINE:
      replace(x, shown_html(x));
      break;
    case CMARK_NODE_LINK:
    case CMARK_NODE_IMAGE:
      unwrap(x);
      break;
    case CMARK_NODE_HEADING:
      make_paragraph(x);
      break;
    default:
      break;
    }
  }
}

/// Ends a block: `breaks` line breaks, unless there are as many already.
void end_block(std::string& out, std::size_t breaks) {
  while (out.ends_with('\n'))
    out.pop_back();
  if (!out.empty())
    out.append(breaks, '\n');
}

bool in_item(cmark_node* x) {
  auto parent = cmark_node_parent(x);
  return parent && cmark_node_get_type(parent) == CMARK_NODE_ITEM;
}

void write_text(std::string& out, cmark_node* x, bool entering) {
  switch (cmark_node_get_type(x)) {
  case CMARK_NODE_TEXT:
  case CMARK_NODE_CODE:
    out += cmark_node_get_literal(x);
    break;
  case CMARK_NODE_CODE_BLOCK:
    out += cmark_node_get_literal(x);
    end_block(out, 2);
    break;
  case CMARK_NODE_SOFTBREAK:
  case CMARK_NODE_LINEBREAK:
    out += '\n';
    break;
  case CMARK_NODE_ITEM:
    if (entering)
      out += "- ";
    else
      end_block(out, 1);
    break;
  case CMARK_NODE_PARAGRAPH:
    if (!entering)
      end_block(out, in_item(x) ? 1 : 2);
    break;
  case CMARK_NODE_LIST:
    if (!entering)
      end_block(out, 2);
    break;
  default:
    break;
  }
}

std::string text_of(cmark_node* root) {
  std::string out;
  auto iter = iter_ptr{cmark_iter_new(root)};
  for (auto event = cmark_iter_next(iter.get()); event != CMARK_EVENT_DONE;
       event = cmark_iter_next(iter.get()))
    write_text(out, cmark_iter_get_node(iter.get()), event == CMARK_EVENT_ENTER);
  end_block(out, 0);
  return out;
}

} // namespace

markdown_text render_markdown(std::string_view markdown) {
  auto document = parse(markdown);
  make_harmless(document.get());
  return {html_of(document.get()), text_of(document.get())};
}

markdown_text render_markdown_line(std::string_view markdown) {
  auto document = parse(one_line(markdown, markdown_limit));
  make_harmless(document.get());
  markdown_text out;
  for (auto x : nodes_of(document.get())) {
    if (cmark_node_get_type(x) != CMARK_NODE_PARAGRAPH)
      continue;
    for (auto child = cmark_node_first_child(x); child; child = cmark_node_next(child))
      out.html += html_of(child);
  }
  out.text = one_line(text_of(document.get()), markdown_limit);
  return out;
}

} // namespace herald
